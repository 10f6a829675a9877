//! Names: the local ones of a function or loop, and the files they are looked up in after that.

use super::value::Value;
use std::rc::Rc;

/// Local names, innermost first, and the file whose top level lies around them.
#[derive(Clone, Debug)]
pub(super) struct Env {
    frame: Option<Rc<Frame>>,
    /// Where names are looked up that are not local.
    pub home: Home,
}

/// Which top level a name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Home {
    /// The recipe: its own items, then the standard library.
    Recipe,
    /// The standard library alone.
    Library,
}

#[derive(Debug)]
struct Frame {
    name: String,
    value: Value,
    next: Option<Rc<Frame>>,
}

impl Env {
    /// No local names.
    pub fn new(home: Home) -> Env {
        Env { frame: None, home }
    }

    /// This and one more name.
    pub fn bind(&self, name: &str, value: Value) -> Env {
        let frame = Frame { name: name.to_owned(), value, next: self.frame.clone() };
        Env { frame: Some(Rc::new(frame)), home: self.home }
    }

    /// The value of a local name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.frames().find(|f| f.name == name).map(|f| &f.value)
    }

    /// All local names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.frames().map(|f| f.name.as_str())
    }

    fn frames(&self) -> impl Iterator<Item = &Frame> {
        std::iter::successors(self.frame.as_deref(), |f| f.next.as_deref())
    }
}
