//! Declares branches, and the ways to derive one from another.

use super::branches::{BranchInfo, Derived};
use super::checker::{Checked, Checker};
use super::definitions::{BranchBody, BranchItem};
use super::frozen::FROZEN;
use super::scope::{Env, Home};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::diag::{Code, Diagnostic, suggest};
use crate::source::Span;
use crate::syntax::ast::{Expr, Name};

/// How a branch can be derived from another.
pub(super) static DERIVATIONS: &[&Entry] = &[&EMA, &SNAPSHOT, &STOPGRAD, &FROZEN];

/// `ema(f)`
static EMA: Entry = Entry {
    name: "ema",
    kind: Kind::Branch,
    params: &[
        Param::required("of", ParamType::Selector, "the branch it follows"),
        Param::optional("decay", ParamType::Scalar { min: 0.0, max: 1.0 }, "0.996", "how much of the old value stays"),
        Param::optional(
            "update",
            ParamType::Choice(&["after", "before"]),
            "after",
            "whether it moves after the optimizer or before the forward pass",
        ),
    ],
    formula: "w <- decay * w + (1 - decay) * w_of",
    doc: "The same stages with weights of their own that follow by exponential moving average; no gradient. \
          Batch statistics stay its own (He et al. 2020, Grill et al. 2020).",
};

/// `snapshot(f)`
static SNAPSHOT: Entry = Entry {
    name: "snapshot",
    kind: Kind::Branch,
    params: &[
        Param::required("of", ParamType::Selector, "the branch it is a copy of; also an `ema` branch"),
        Param::optional(
            "every",
            ParamType::Number { min: 1e-6, max: 1e9 },
            "1",
            "how many epochs lie between two copies, from the start of training on",
        ),
    ],
    formula: "w <- w_of, now and then",
    doc: "The same stages with a copy of the weights, taken before the forward pass every so many epochs; no gradient. \
          Batch statistics stay its own (Simeoni et al. 2025).",
};

/// `stopgrad(f)`
static STOPGRAD: Entry = Entry {
    name: "stopgrad",
    kind: Kind::Branch,
    params: &[Param::required("of", ParamType::Selector, "the branch whose weights it uses")],
    formula: "f(x), constant for differentiation",
    doc: "The same stages and weights without a gradient through this use (Chen & He 2021).",
};

impl<'a> Checker<'a> {
    /// Enters the name of every branch, so that what is settled before knows them for branches.
    pub(super) fn declare_branches(&mut self) {
        let definitions = self.definitions;
        for item in &definitions.branches {
            if self.branches.find(&item.name.text).is_some() {
                continue;
            }
            let stages = match &item.body {
                BranchBody::Stages(stages) => stages.clone(),
                BranchBody::Derived(_) => Vec::new(),
            };
            let settled = matches!(item.body, BranchBody::Stages(_));
            let (name, span) = (item.name.text.clone(), item.span);
            self.branches.all.push(BranchInfo {
                name,
                span,
                stages,
                derived: None,
                within: None,
                settled,
                failed: false,
            });
        }
    }

    /// Settles every branch. Derived ones need what they derive from, in whatever order they stand.
    pub(super) fn prepare_branches(&mut self) {
        self.declare_branches();
        let definitions = self.definitions;
        let derived = |item: &'a BranchItem| match &item.body {
            BranchBody::Derived(value) => Some((item, value)),
            BranchBody::Stages(_) => None,
        };
        let mut pending: Vec<(&BranchItem, &Expr)> = definitions.branches.iter().filter_map(derived).collect();
        while !pending.is_empty() {
            let before = pending.len();
            pending.retain(|(item, value)| !self.settles(item, value));
            if pending.len() == before {
                for (item, _) in pending.drain(..) {
                    let message = format!("`{}` derives from itself, directly or through others", item.name.text);
                    self.report(Diagnostic::error(Code::RECURSION, item.span, message));
                    self.info_of(item).failed = true;
                }
            }
        }
    }

    /// Settles a derived branch, or finds that it cannot be; false while the other branch is still to be settled.
    fn settles(&mut self, item: &BranchItem, value: &Expr) -> bool {
        match self.derive(&item.name, value) {
            Ok(None) => return false,
            Ok(Some(derived)) => {
                let stages = self.frozen_stages(&derived);
                let info = self.info_of(item);
                (info.stages, info.derived, info.settled) = (stages, Some(derived), true);
            }
            Err(_) => self.info_of(item).failed = true,
        }
        true
    }

    fn info_of(&mut self, item: &BranchItem) -> &mut BranchInfo {
        let found = self.branches.all.iter_mut().find(|b| b.name == item.name.text);
        found.expect("every branch has been declared")
    }

    /// The branch of that name; `None` while it is still to be settled.
    pub(super) fn settled_branch(&mut self, name: &str, span: Span) -> Checked<Option<usize>> {
        let Some(branch) = self.branches.find(name) else {
            let names: Vec<String> = self.branches.all.iter().map(|b| b.name.clone()).collect();
            let help = suggest(name, names.iter().map(String::as_str));
            let message = format!("there is no branch `{name}`");
            return Err(self.report(Diagnostic::error(Code::UNKNOWN_NAME, span, message).maybe_help(help)));
        };
        if self.branches.all[branch].failed {
            return Err(self.failed_before(&format!("the branch `{name}`"), span));
        }
        self.used.insert(name.to_owned());
        Ok(self.branches.all[branch].settled.then_some(branch))
    }

    /// `ema(other, ...)` or `stopgrad(other)`; `None` while the other branch is still to be settled.
    fn derive(&mut self, name: &Name, value: &Expr) -> Checked<Option<Derived>> {
        let config = self.word(value, Kind::Branch, &Env::new(Home::Recipe))?;
        if config.is(&FROZEN) {
            return self.derive_frozen(name, &config, value.span);
        }
        let of = config.text("of").to_owned();
        let Some(branch) = self.settled_branch(&of, value.span)? else { return Ok(None) };
        if config.is(&STOPGRAD) {
            return Ok(Some(Derived::Stopgrad { of: branch }));
        }
        if config.is(&SNAPSHOT) {
            return Ok(Some(Derived::Snapshot { of: self.branches.owner(branch), every: config.number("every") }));
        }
        if let Some(Derived::Ema { .. } | Derived::Snapshot { .. }) = self.branches.all[branch].derived {
            let message = format!("`{of}` is itself an average or a copy; an average of it trains nothing new");
            let help = "average the branch that is trained, with a larger decay if it shall be slower";
            return Err(self.report(Diagnostic::error(Code::EMA_OF_EMA, value.span, message).help(help)));
        }
        let decay = config.schedule("decay");
        Ok(Some(Derived::Ema { of: self.branches.owner(branch), decay, before: config.text("update") == "before" }))
    }
}
