//! The value of a name, computed once.
//!
//! One check against cycles serves every kind of name: a name that is needed while it is being computed is defined by itself.

use super::budget::MAX_CALLS;
use super::checker::{Checked, Checker};
use super::scope::Home;
use super::value::Value;
use crate::diag::{Code, Label};
use crate::source::Span;
use crate::syntax::ast::Let;
use std::sync::Arc;

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
            Some(Slot::Done(value)) => {
                let value = value.clone();
                return Some(self.copied(&value, span));
            }
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

    /// Runs `body` as a call of a function at `span`.
    pub(super) fn in_call<T>(
        &mut self,
        function: &Arc<Let>,
        span: Span,
        body: impl FnOnce(&mut Self) -> Checked<T>,
    ) -> Checked<T> {
        let name = &function.name.text;
        if self.calls.len() >= MAX_CALLS {
            return match self.spent.functions.iter().any(|f| Arc::ptr_eq(f, function)) {
                true => self.error(Code::RECURSION, span, format!("`{name}` calls itself, directly or through others")),
                false => self.too_far(span, format!("calls of functions are nested more than {MAX_CALLS} deep")),
            };
        }
        self.calls.push(Label { span, text: name.clone() });
        self.spent.functions.push(Arc::clone(function));
        let result = body(self);
        self.spent.functions.pop();
        self.calls.pop();
        result
    }
}
