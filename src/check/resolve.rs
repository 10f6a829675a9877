//! What a name stands for, worked out once, and how far a recipe may unfold while it is.
//!
//! One guard holds for every kind of name, and one budget for every way to grow: loops, lists, calls and definitions of definitions.

use super::checker::{Checked, Checker};
use super::scope::Home;
use super::value::Value;
use crate::diag::{Code, Diagnostic, Label};
use crate::source::Span;
use crate::syntax::ast::Let;
use std::rc::Rc;

/// Something that is worked out at its first use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A name of the top level.
    Name(Home, String),
    /// A term of the loss.
    Term(String),
    /// A stage, by its branch and place.
    Stage(usize, usize),
}

/// How far it has come.
#[derive(Clone, Debug)]
pub(super) enum Slot {
    Working,
    Done(Value),
    Failed,
}

/// How far a recipe has been unfolded.
#[derive(Clone, Debug)]
pub(super) struct Spent {
    /// The most expressions and stages that may be under way, one inside of the other: what the stack has room for.
    most: usize,
    /// Those under way.
    depth: usize,
    /// Expressions that have been worked out.
    steps: usize,
    /// Functions whose calls are under way.
    functions: Vec<Rc<Let>>,
}

/// The most expressions that may be worked out; the shipped recipes take some thousand.
const MAX_STEPS: usize = 1_000_000;
/// The most calls of functions that may be under way.
const MAX_CALLS: usize = 256;
/// The most items of a list.
pub(super) const MAX_ITEMS: usize = 1 << 16;

impl Spent {
    /// Nothing yet, on a stack with room for so many expressions one inside of the other.
    pub fn nothing(most: usize) -> Self {
        Self { most, depth: 0, steps: 0, functions: Vec::new() }
    }
}

impl Key {
    /// What it is called in a message.
    fn name(&self, checker: &Checker) -> String {
        match self {
            Key::Name(_, name) => format!("`{name}`"),
            Key::Term(name) => format!("the loss term `{name}`"),
            Key::Stage(branch, stage) => format!("the stage `{}`", checker.branches.path(*branch, *stage)),
        }
    }
}

impl Checker<'_> {
    /// What `key` stands for, by `work` if this is its first use; `None` where nothing has that name. It is an error where it
    /// stands for itself.
    pub(super) fn resolve(
        &mut self,
        key: Key,
        span: Span,
        work: impl FnOnce(&mut Self) -> Option<Checked<Value>>,
    ) -> Option<Checked<Value>> {
        match self.known.get(&key) {
            Some(Slot::Done(value)) => return Some(Ok(value.clone())),
            Some(Slot::Failed) => {
                let name = key.name(self);
                return Some(Err(self.failed_before(&name, span)));
            }
            Some(Slot::Working) => {
                let message = format!("{} is defined by itself, directly or through others", key.name(self));
                return Some(self.error(Code::RECURSION, span, message));
            }
            None => {}
        }
        self.known.insert(key.clone(), Slot::Working);
        // A definition is worked out where it stands, not where it was first used.
        let (calls, averaging) = (std::mem::take(&mut self.calls), self.averaging.take());
        let found = work(self);
        (self.calls, self.averaging) = (calls, averaging);
        match &found {
            Some(Ok(value)) => self.known.insert(key, Slot::Done(value.clone())),
            Some(Err(_)) => self.known.insert(key, Slot::Failed),
            None => self.known.remove(&key),
        };
        found
    }

    /// Works something out inside of what is under way, unless that is too deep or the recipe has unfolded too far.
    pub(super) fn deeper<T>(&mut self, span: Span, work: impl FnOnce(&mut Self) -> Checked<T>) -> Checked<T> {
        self.spent.steps += 1;
        if self.spent.steps > MAX_STEPS {
            return self.too_far(span, format!("the recipe unfolds to more than {MAX_STEPS} expressions"));
        }
        if self.spent.depth >= self.spent.most {
            let most = self.spent.most;
            return self
                .too_far(span, format!("more than {most} definitions and expressions stand one inside of the other"));
        }
        self.spent.depth += 1;
        let result = work(self);
        self.spent.depth -= 1;
        result
    }

    /// Says once that a limit is reached; what follows from it is not told again.
    fn too_far<T>(&mut self, span: Span, message: String) -> Checked<T> {
        if self.diagnostics.iter().any(|d| d.code == Code::TOO_LARGE && d.message == message) {
            return Err(self.failed_before("this", span));
        }
        self.error(Code::TOO_LARGE, span, message)
    }

    /// Runs `body` as a call of a function at `span`.
    pub(super) fn in_call<T>(
        &mut self,
        function: &Rc<Let>,
        span: Span,
        body: impl FnOnce(&mut Self) -> Checked<T>,
    ) -> Checked<T> {
        let name = &function.name.text;
        if self.calls.len() >= MAX_CALLS {
            return match self.spent.functions.iter().any(|f| Rc::ptr_eq(f, function)) {
                true => self.error(Code::RECURSION, span, format!("`{name}` calls itself, directly or through others")),
                false => self.too_far(
                    span,
                    format!("more than {MAX_CALLS} calls of functions are under way, one inside of the other"),
                ),
            };
        }
        self.calls.push(Label { span, text: name.clone() });
        self.spent.functions.push(Rc::clone(function));
        let result = body(self);
        self.spent.functions.pop();
        self.calls.pop();
        result
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
}
