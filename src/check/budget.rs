//! Limits on what a recipe may expand to, and the checks that enforce them.
//!
//! One budget holds for every way to grow: loops, lists, calls, and definitions of definitions. Each number is far beyond what a
//! recipe needs that a person wrote, and small enough that no text makes a check last, or fills the memory. How large a text may be,
//! and how deep its brackets may stand, is for `syntax` to say.

use super::checker::{Checked, Checker};
use super::value::Value;
use crate::catalog::{Arg, Config};
use crate::diag::{Code, Diagnostic, Severity};
use crate::graph::Room;
use crate::source::Span;
use crate::syntax::ast::Let;
use std::sync::Arc;

/// Bytes of stack that a check runs on, of which only what is touched is used, and how deep expressions may then nest.
pub(super) const STACK: usize = 1 << 28;
/// See [`STACK`].
pub(super) const DEEP: usize = 4000;
/// The same on a stack that is not our own.
pub(super) const SHALLOW: usize = 100;

/// The most files that a recipe may be put together from.
pub(super) const MAX_FILES: usize = 64;
/// The most statements, entries, stages, views and parameters of all files together.
pub(super) const MAX_LINES: usize = 10_000;
/// The most terms of a loss.
pub(super) const MAX_TERMS: usize = 1000;
/// The most views of a recipe, and of a group of them.
pub(super) const MAX_VIEWS: usize = 256;

/// The most expressions that may be worked out; the shipped recipes take some thousand.
const MAX_STEPS: usize = 1_000_000;
/// The most calls of functions that may be under way.
pub(super) const MAX_CALLS: usize = 256;
/// The most items of a list.
const MAX_ITEMS: usize = 1 << 16;
/// The most values in all lists that are made, the items of their items included.
const MAX_VALUES: usize = 1_000_000;
/// The most values that are copied where a name stands for them.
const MAX_COPIES: usize = 50_000_000;
/// Bytes of a string that count as a value.
const BYTES_A_VALUE: usize = 64;

/// The most that the graph of a recipe may hold.
pub(super) const ROOM: Room = Room { nodes: 1 << 16, parameters: 10_000 };
/// The most elements of a tensor: four TiB of them.
pub(super) const MAX_ELEMENTS: i64 = 1 << 40;

/// The most errors that are looked for, and the most that is said of one kind.
pub(super) const MAX_SAID: usize = 100;

/// How far a recipe has been unfolded.
#[derive(Clone, Debug)]
pub(super) struct Spent {
    /// The most expressions and stages that may be under way, one inside of the other: what the stack has room for.
    most: usize,
    /// Those under way.
    depth: usize,
    /// Expressions that have been worked out.
    steps: usize,
    /// Values that lists have been made of.
    values: usize,
    /// Values that have been copied.
    copies: usize,
    /// Functions whose calls are under way.
    pub functions: Vec<Arc<Let>>,
}

impl Spent {
    /// Nothing yet, on a stack with room for so many expressions one inside of the other.
    pub fn nothing(most: usize) -> Self {
        Self { most, depth: 0, steps: 0, values: 0, copies: 0, functions: Vec::new() }
    }
}

impl Checker<'_> {
    /// Works something out inside of what is under way, unless that is too deep or the recipe has unfolded too far.
    pub(super) fn deeper<T>(&mut self, span: Span, work: impl FnOnce(&mut Self) -> Checked<T>) -> Checked<T> {
        if self.failures >= MAX_SAID {
            return Err(self.failed_before("this", span));
        }
        self.spent.steps += 1;
        if self.spent.steps > MAX_STEPS {
            return self.too_far(span, format!("the recipe unfolds to more than {MAX_STEPS} expressions"));
        }
        if self.spent.depth >= self.spent.most {
            let most = self.spent.most;
            return self.too_far(span, format!("definitions and expressions are nested more than {most} deep"));
        }
        self.spent.depth += 1;
        let result = work(self);
        self.spent.depth -= 1;
        result
    }

    /// Says once that a limit is reached; what follows from it is not told again.
    pub(super) fn too_far<T>(&mut self, span: Span, message: String) -> Checked<T> {
        if self.diagnostics.iter().any(|d| d.code == Code::TOO_LARGE && d.message == message) {
            return Err(self.failed_before("this", span));
        }
        self.error(Code::TOO_LARGE, span, message)
    }

    /// An error where a list has more items than one may have.
    pub(super) fn bounded(&mut self, items: usize, span: Span) -> Checked<()> {
        if items <= MAX_ITEMS {
            return Ok(());
        }
        let message = format!("a list has at most {MAX_ITEMS} items, this one would have {items}");
        let diagnostic = Diagnostic::error(Code::TOO_LARGE, span, message);
        Err(self.report(
            diagnostic
                .help("what is done for every element of a tensor needs no loop: operations work on whole tensors"),
        ))
    }

    /// Counts the values of lists that are made, and fails beyond the limit.
    pub(super) fn made(&mut self, values: usize, span: Span) -> Checked<()> {
        self.spent.values = self.spent.values.saturating_add(values);
        if self.spent.values <= MAX_VALUES {
            return Ok(());
        }
        self.too_far(span, format!("the recipe unfolds to lists of more than {MAX_VALUES} values in all"))
    }

    /// A copy of a value for whoever names it.
    pub(super) fn copied(&mut self, value: &Value, span: Span) -> Checked<Value> {
        self.spent.copies = self.spent.copies.saturating_add(value.weight());
        if self.spent.copies <= MAX_COPIES {
            return Ok(value.clone());
        }
        self.too_far(span, format!("the recipe unfolds to more than {MAX_COPIES} copies of values"))
    }
}

impl Value {
    /// How many values it is made of.
    pub fn weight(&self) -> usize {
        let configs = |all: &[Config]| all.iter().map(weight_of).sum::<usize>();
        match self {
            Value::List(items) => items.iter().map(Value::weight).sum::<usize>() + 1,
            Value::Text(text) => text.len() / BYTES_A_VALUE + 1,
            Value::Config(config) => weight_of(config),
            Value::Pipeline(base, steps) => base.as_ref().map_or(1, |base| base.weight()) + configs(steps),
            _ => 1,
        }
    }
}

fn weight_of(config: &Config) -> usize {
    config.args.iter().map(|(_, arg)| weight_of_arg(arg)).sum::<usize>() + 1
}

fn weight_of_arg(arg: &Arg) -> usize {
    match arg {
        Arg::Config(config) => weight_of(config),
        Arg::List(items) => items.iter().map(weight_of_arg).sum::<usize>() + 1,
        Arg::Text(text) => text.len() / BYTES_A_VALUE + 1,
        _ => 1,
    }
}

/// Diagnostics in their order without those beyond what anyone reads, which are counted at the place of the first of them.
pub(super) fn readable(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut kept = Vec::new();
    let mut counts = [0usize; 2];
    let mut left: [Option<Span>; 2] = [None; 2];
    for diagnostic in diagnostics {
        let kind = usize::from(diagnostic.severity == Severity::Error);
        counts[kind] += 1;
        match counts[kind] <= MAX_SAID {
            true => kept.push(diagnostic),
            false => left[kind] = left[kind].or(diagnostic.span()),
        }
    }
    let more = |kind: usize| format!("{} more like these are not shown", counts[kind] - MAX_SAID);
    kept.extend(left[0].map(|span| Diagnostic::warning(Code::TOO_LARGE, span, more(0))));
    kept.extend(left[1].map(|span| Diagnostic::error(Code::TOO_LARGE, span, more(1))));
    kept
}
