//! The checker's state: what is known so far, and how complaints are made.

use super::branches::Branches;
use super::definitions::Definitions;
use super::frozen::Imported;
use super::scope::{Env, Home};
use super::value::Value;
use super::views::Views;
use crate::diag::{Code, Diagnostic, Label};
use crate::graph::{Dim, Graph, ShapeError};
use crate::nn::Mode;
use crate::source::{FileId, Sources, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Something was wrong and has been reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed;

/// A result whose error has been reported.
pub(super) type Checked<T> = Result<T, Failed>;

/// How deep calls may nest before a recursion is assumed.
const MAX_CALLS: usize = 64;

/// Checks one recipe: evaluates its expressions symbolically, which builds the graph.
pub(super) struct Checker<'a> {
    pub sources: &'a Sources,
    pub definitions: &'a Definitions,
    pub library: &'a Definitions,
    pub diagnostics: Vec<Diagnostic>,
    pub graph: Graph,
    pub mode: Mode,
    pub views: Views,
    pub branches: Branches,
    /// What is known of imported recipes, by their place among the imports.
    pub imported: BTreeMap<usize, Imported>,
    /// Top-level names that have a value, failed, or are being worked out.
    pub globals: BTreeMap<(Home, String), Slot>,
    /// Top-level names and `branch.stage` paths that something uses.
    pub used: BTreeSet<String>,
    /// Calls under way, outermost first.
    pub calls: Vec<Label>,
    /// Samples in a batch, once `train` has been read.
    pub batch: Option<usize>,
    /// Names for random draws: each call has its own.
    pub streams: u64,
}

/// The state of a top-level name.
#[derive(Clone, Debug)]
pub(super) enum Slot {
    Working,
    Done(Value),
    Failed,
}

impl<'a> Checker<'a> {
    pub fn new(sources: &'a Sources, definitions: &'a Definitions, library: &'a Definitions, mode: Mode) -> Self {
        Checker {
            sources,
            definitions,
            library,
            diagnostics: Vec::new(),
            graph: Graph::default(),
            mode,
            views: Views::default(),
            branches: Branches::default(),
            imported: BTreeMap::new(),
            globals: BTreeMap::new(),
            used: BTreeSet::new(),
            calls: Vec::new(),
            batch: None,
            streams: 0,
        }
    }

    /// Reports a diagnostic with the chain of calls that led there. Where the main place lies in the standard library,
    /// the author of the recipe is shown the call in the recipe first.
    pub fn report(&mut self, mut diagnostic: Diagnostic) -> Failed {
        if let Some(span) = diagnostic.span()
            && self.is_library(span.file)
            && let Some(call) = self.calls.iter().rev().find(|c| !self.is_library(c.span.file))
        {
            diagnostic.labels.insert(0, Label { span: call.span, text: format!("in this call of `{}`", call.text) });
        }
        let main = diagnostic.span();
        diagnostic.trace = self
            .calls
            .iter()
            .filter(|c| Some(c.span) != main)
            .map(|c| Label { span: c.span, text: format!("in the call of `{}`", c.text) })
            .collect();
        if !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
        Failed
    }

    /// Reports an error.
    pub fn error<T>(&mut self, code: Code, span: Span, message: impl Into<String>) -> Checked<T> {
        Err(self.report(Diagnostic::error(code, span, message)))
    }

    /// Reports what an operation says of the shapes it was given.
    pub fn shaped<T>(&mut self, result: Result<T, ShapeError>, span: Span) -> Checked<T> {
        result.map_err(|e| self.report(Diagnostic::error(Code::SHAPE_MISMATCH, span, e.message).maybe_help(e.help)))
    }

    /// Runs `body` as a call of `name` at `span`.
    pub fn in_call<T>(&mut self, name: &str, span: Span, body: impl FnOnce(&mut Self) -> Checked<T>) -> Checked<T> {
        if self.calls.len() >= MAX_CALLS {
            return self.error(Code::RECURSION, span, format!("`{name}` calls itself, directly or through others"));
        }
        self.calls.push(Label { span, text: name.to_owned() });
        let result = body(self);
        self.calls.pop();
        result
    }

    /// Puts new nodes down to `span`, or to the call in the recipe that led there.
    pub fn at(&mut self, span: Span) {
        let in_recipe = self.calls.iter().rev().map(|c| c.span).find(|s| !self.is_library(s.file));
        self.graph.origin = if self.is_library(span.file) { in_recipe.or(Some(span)) } else { Some(span) };
    }

    /// The value of a top-level name, worked out at its first use; `None` if nothing has that name.
    pub fn global(&mut self, home: Home, name: &str, span: Span) -> Option<Checked<Value>> {
        let key = (home, name.to_owned());
        match self.globals.get(&key) {
            Some(Slot::Done(value)) => return Some(Ok(value.clone())),
            Some(Slot::Failed) => return Some(Err(Failed)),
            Some(Slot::Working) => {
                let message = format!("`{name}` is defined by itself, directly or through others");
                return Some(self.error(Code::RECURSION, span, message));
            }
            None => {}
        }
        self.globals.insert(key.clone(), Slot::Working);
        // A definition is worked out where it stands, not where it was first used.
        let calls = std::mem::take(&mut self.calls);
        let found = match home {
            Home::Recipe => self.define(name, span),
            Home::Library => self.define_library(name),
        };
        self.calls = calls;
        match &found {
            Some(Ok(value)) => self.globals.insert(key, Slot::Done(value.clone())),
            Some(Err(_)) => self.globals.insert(key, Slot::Failed),
            None => self.globals.remove(&key),
        };
        found
    }

    fn define_library(&mut self, name: &str) -> Option<Checked<Value>> {
        let definition = self.library.lets.iter().find(|l| l.name.text == name)?.clone();
        Some(self.define_let(&definition, &Env::new(Home::Library)))
    }

    fn define(&mut self, name: &str, span: Span) -> Option<Checked<Value>> {
        let definitions = self.definitions;
        let env = Env::new(Home::Recipe);
        if let Some(definition) = definitions.lets.iter().find(|l| l.name.text == name) {
            return Some(self.define_let(&Rc::clone(definition), &env));
        }
        if let Some(value) = self.view_named(name) {
            // Where a view is missing because of a slip, so would be complaints of those that are left.
            let whole = name != "views" || self.views.failed.is_empty();
            return Some(if whole { Ok(value) } else { Err(Failed) });
        }
        if definitions.views.iter().any(|v| v.names.iter().any(|n| n.name.text == name)) {
            if self.views.failed.iter().any(|n| n == name) {
                return Some(Err(Failed));
            }
            let message = format!("the view `{name}` is used before it is declared");
            let diagnostic = Diagnostic::error(Code::UNKNOWN_NAME, span, message);
            return Some(Err(self.report(diagnostic.help("a view starts from one that is declared above it"))));
        }
        if let Some(index) = self.branches.find(name) {
            return Some(Ok(Value::Branch(index)));
        }
        if let Some((_, value)) = definitions.params.iter().find(|p| p.0.text == name) {
            return Some(self.define_param(value, &env));
        }
        if let Some((name, shape)) = definitions.inputs.iter().find(|i| i.0.text == name) {
            return Some(self.define_input(name, shape));
        }
        if let Some((name, value)) = definitions.states.iter().find(|s| s.0.text == name) {
            return Some(self.define_state(name, value));
        }
        if let Some(weight) = definitions.weights.iter().find(|w| w.name.text == name) {
            return Some(self.define_weight(weight));
        }
        match name {
            "batch" => Some(Ok(Value::Batch)),
            "N" => Some(Ok(Value::Dim(Dim::batch()))),
            "samples" => Some(Ok(Value::Dim(Dim::samples()))),
            _ => self.symbols().contains(name).then(|| Ok(Value::Dim(Dim::symbol(name)))),
        }
    }

    /// The names of sizes that declared inputs bring.
    fn symbols(&self) -> BTreeSet<String> {
        use crate::syntax::ast::ExprKind;
        let shapes = self.definitions.inputs.iter().flat_map(|(_, shape)| shape);
        let name = |e: &crate::syntax::ast::Expr| if let ExprKind::Name(n) = &e.kind { Some(n.clone()) } else { None };
        shapes.filter_map(name).collect()
    }

    fn is_library(&self, file: FileId) -> bool {
        self.sources.get(file).path.is_none() && self.sources.get(file).name.starts_with("std/")
    }
}
