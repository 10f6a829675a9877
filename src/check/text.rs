//! The recipe as one text: imports merged, overrides applied.

use super::definitions::{BranchBody, BranchItem, Definitions};
use super::frozen::{Import, renamed};
use super::kept::OTHERS;
use super::recipe::{Judged, Started};
use crate::catalog::Config;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Entry, EntryValue, Expr, ExprKind, ItemKind, Name};
use crate::syntax::print;

/// What is settled of a recipe besides what it says.
#[derive(Clone, Copy, Default)]
pub(super) struct Settled<'a> {
    /// The data set, where another was asked for.
    pub data: Option<&'a Config>,
    /// How pictures are prepared to be judged, where the recipe leaves that open.
    pub view: Option<&'a [Config]>,
    /// What starts with weights from files; left out, as it is written.
    pub starts: &'a [Started],
    /// The other data sets that are judged; what a recipe says of them is left out where there are none.
    pub judged: &'a [Judged],
}

impl Definitions {
    /// The definitions as a recipe of its own, in canonical layout. `within` names the branches that lead to it from another recipe,
    /// `a.b.`.
    pub(super) fn text(&self, settled: &Settled, within: &str) -> String {
        print::statements(&self.statements(settled, within))
    }

    /// The texts of the recipes that branches are frozen from, with the names that `text` has for them.
    pub(super) fn parts(&self, data: Option<&Config>, within: &str) -> Vec<(String, String)> {
        let own = |i: &Import| {
            (i.file(within), i.definitions.text(&Settled { data, ..Settled::default() }, &i.inner(within)))
        };
        let theirs = self.imports.iter().flat_map(|i| i.definitions.parts(data, &i.inner(within)));
        self.imports.iter().map(own).chain(theirs).collect()
    }

    fn statements(&self, settled: &Settled, within: &str) -> Vec<ItemKind> {
        let Settled { data, view, starts, judged } = *settled;
        let header = self.header.iter().cloned().map(|(title, paper)| ItemKind::Recipe { title, paper });
        let params = self.params.iter().cloned().map(|(name, value)| ItemKind::Param { name, value });
        let data = data.map(Config::expr).or_else(|| self.data.clone()).map(|value| ItemKind::Data { value });
        let inputs = self.inputs.iter().cloned().map(|(name, shape)| ItemKind::Input { name, shape });
        let views = (!self.views.is_empty()).then(|| ItemKind::Views { entries: self.views.clone() });
        let weights =
            self.weights.iter().cloned().map(|w| ItemKind::Weight { name: w.name, shape: w.shape, value: w.value });
        let starts: Vec<ItemKind> = match starts {
            [] => self.starts.iter().cloned().map(|s| ItemKind::Start { path: s.path, value: s.value }).collect(),
            starts => starts.iter().map(Started::statement).collect(),
        };
        let lets = self.lets.iter().map(|definition| ItemKind::Let((**definition).clone()));
        let states = self.states.iter().cloned().map(|(name, value)| ItemKind::State { name, value });
        let evaluate = self.evaluate(view, judged);
        let blocks = [
            ItemKind::Loss { entries: self.loss.clone() },
            ItemKind::Train { entries: self.train.clone() },
            ItemKind::Evaluate { entries: evaluate },
            ItemKind::Expect { conditions: self.expect.clone() },
        ];
        let parts = header.chain(params).chain(data).chain(inputs).chain(views);
        let parts = parts.chain(self.branches.iter().map(|branch| self.branch(branch, within))).chain(weights);
        parts.chain(starts).chain(lets).chain(states).chain(blocks.into_iter().filter(|b| !is_empty(b))).collect()
    }

    fn branch(&self, branch: &BranchItem, within: &str) -> ItemKind {
        let name = branch.name.clone();
        match &branch.body {
            BranchBody::Stages(stages) => ItemKind::Branch { name, stages: stages.clone() },
            BranchBody::Derived(value) => {
                let import = self.imports.iter().find(|i| i.branch == name.text);
                let value = import.map_or_else(|| value.clone(), |i| renamed(value, &i.file(within)));
                ItemKind::DerivedBranch { name, value }
            }
        }
    }

    /// The lines of `evaluate`: how pictures are prepared, where the recipe leaves it open, and other data sets by their settled paths.
    fn evaluate(&self, view: Option<&[Config]>, judged: &[Judged]) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self.evaluate.iter().filter(|entry| entry.name.text != OTHERS).cloned().collect();
        let said = self.evaluate.iter().any(|entry| entry.name.text == "view");
        let pipe = |left: Expr, right: Expr| {
            let span = left.span;
            Expr { kind: ExprKind::Binary(BinaryOp::Pipe, Box::new(left), Box::new(right)), span }
        };
        let view = view.filter(|_| !said).and_then(|steps| steps.iter().map(Config::expr).reduce(pipe));
        entries.extend(view.map(|steps| entry("view", EntryValue::Expr(steps))));
        if !judged.is_empty() {
            let sets = judged.iter().map(|set| entry(&set.name, EntryValue::Expr(set.data.expr()))).collect();
            entries.push(entry(OTHERS, EntryValue::Block(sets)));
        }
        entries
    }
}

/// A line that stands in no text.
fn entry(name: &str, value: EntryValue) -> Entry {
    Entry { name: Name { text: name.to_owned(), span: Span::ALONE }, value, span: Span::ALONE }
}

/// Whether a block has no line.
fn is_empty(block: &ItemKind) -> bool {
    match block {
        ItemKind::Loss { entries } | ItemKind::Train { entries } | ItemKind::Evaluate { entries } => entries.is_empty(),
        ItemKind::Expect { conditions } => conditions.is_empty(),
        _ => false,
    }
}
