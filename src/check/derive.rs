//! Declares branches, and the ways to derive one from another.

use super::branches::{BranchInfo, Derived, StageInfo};
use super::checker::{Checked, Checker};
use super::definitions::BranchBody;
use super::frozen::FROZEN;
use super::scope::{Env, Home};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::diag::{Code, Diagnostic, suggest};
use crate::syntax::ast::{Expr, Name};
use std::collections::BTreeSet;

/// How a branch can be derived from another.
pub(super) static DERIVATIONS: &[Entry] = &[
    Entry {
        name: "ema",
        kind: Kind::Branch,
        params: &[
            Param::required("of", ParamType::Selector, "the branch it follows"),
            Param::optional(
                "decay",
                ParamType::Scalar { min: 0.0, max: 1.0 },
                "0.996",
                "how much of the old value stays",
            ),
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
    },
    Entry {
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
    },
    Entry {
        name: "stopgrad",
        kind: Kind::Branch,
        params: &[Param::required("of", ParamType::Selector, "the branch whose weights it uses")],
        formula: "f(x), constant for differentiation",
        doc: "The same stages and weights without a gradient through this use (Chen & He 2021).",
    },
    FROZEN,
];

impl Checker<'_> {
    /// Declares every branch. Derived ones need what they derive from, in whatever order they stand.
    pub(super) fn prepare_branches(&mut self) {
        let definitions = self.definitions;
        let names: BTreeSet<&str> = definitions.branches.iter().map(|b| b.name.text.as_str()).collect();
        let mut pending: Vec<_> = definitions.branches.iter().collect();
        while !pending.is_empty() {
            let before = pending.len();
            pending.retain(|item| match &item.body {
                BranchBody::Stages(stages) => {
                    let stages = stages.iter().map(|s| StageInfo { source: s.clone(), module: None }).collect();
                    self.branches.all.push(BranchInfo {
                        name: item.name.text.clone(),
                        span: item.span,
                        stages,
                        derived: None,
                    });
                    false
                }
                BranchBody::Derived(value) => match self.derive(&item.name, value, &names) {
                    // Not declared yet: next round.
                    Ok(None) => true,
                    Ok(Some(derived)) => {
                        let (name, span) = (item.name.text.clone(), item.span);
                        let stages = self.frozen_stages(&derived);
                        self.branches.all.push(BranchInfo { name, span, stages, derived: Some(derived) });
                        false
                    }
                    Err(_) => false,
                },
            });
            if pending.len() == before {
                for item in pending.drain(..) {
                    let message = format!("`{}` derives from itself, directly or through others", item.name.text);
                    self.report(Diagnostic::error(Code::RECURSION, item.span, message));
                }
            }
        }
    }

    /// `ema(other, ...)` or `stopgrad(other)`; `None` while the other branch is still to be declared.
    fn derive(&mut self, name: &Name, value: &Expr, names: &BTreeSet<&str>) -> Checked<Option<Derived>> {
        let config = self.word(value, Kind::Branch, &Env::new(Home::Recipe))?;
        if config.name == FROZEN.name {
            return self.derive_frozen(name, &config, names);
        }
        let of = config.text("of").to_owned();
        let Some(branch) = self.branches.find(&of) else {
            if names.contains(of.as_str()) {
                return Ok(None);
            }
            let message = format!("there is no branch `{of}`");
            let help = suggest(&of, names.iter().copied());
            return Err(self.report(Diagnostic::error(Code::UNKNOWN_NAME, value.span, message).maybe_help(help)));
        };
        self.used.insert(of.clone());
        if config.name == "stopgrad" {
            return Ok(Some(Derived::Stopgrad { of: branch }));
        }
        if config.name == "snapshot" {
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
