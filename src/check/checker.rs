//! The checker's state: what is known so far, and how complaints are made.

use super::branches::Branches;
use super::budget::{MAX_SAID, ROOM, Spent};
use super::definitions::Definitions;
use super::frozen::Imported;
use super::resolve::{Key, Slot};
use super::scope::{Env, Home};
use super::value::Value;
use super::views::Views;
use crate::catalog::Schedule;
use crate::diag::{Code, Diagnostic, Label, Severity};
use crate::graph::{Dim, Graph, ShapeError};
use crate::nn::Mode;
use crate::source::{FileId, Sources, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An error that has been reported. Only reporting makes one, so nothing fails silently.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed(());

/// A result whose error has been reported.
pub(super) type Checked<T> = Result<T, Failed>;

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
    /// Names that have a value, failed, or are being worked out.
    pub known: BTreeMap<Key, Slot>,
    /// Top-level names and `branch.stage` paths that something uses.
    pub used: BTreeSet<String>,
    /// Calls under way, outermost first.
    pub calls: Vec<Label>,
    /// The average, copy or frozen branch whose stage is being applied.
    pub averaging: Option<usize>,
    /// Every schedule that has been written, and where.
    pub schedules: Vec<(Schedule, Span)>,
    /// Samples in a batch, once `train` has been read.
    pub batch: Option<usize>,
    /// Names for random draws: each call has its own.
    pub streams: u64,
    /// How far the recipe has been unfolded.
    pub spent: Spent,
    /// Errors that have been reported, here or where this check is part of another.
    pub failures: usize,
}

impl<'a> Checker<'a> {
    /// A check that may nest expressions `most` deep.
    pub fn new(
        sources: &'a Sources,
        definitions: &'a Definitions,
        library: &'a Definitions,
        mode: Mode,
        most: usize,
    ) -> Self {
        Checker {
            sources,
            definitions,
            library,
            diagnostics: Vec::new(),
            graph: Graph::within(ROOM),
            mode,
            views: Views::default(),
            branches: Branches::default(),
            imported: BTreeMap::new(),
            known: BTreeMap::new(),
            used: BTreeSet::new(),
            calls: Vec::new(),
            averaging: None,
            schedules: Vec::new(),
            batch: None,
            streams: 0,
            spent: Spent::nothing(most),
            failures: 0,
        }
    }

    /// Another check of `definitions`, with what is left of this one's budget.
    pub fn beside(&self, definitions: &'a Definitions, mode: Mode) -> Self {
        let (spent, failures) = (self.spent.clone(), self.failures);
        Checker { spent, failures, ..Checker::new(self.sources, definitions, self.library, mode, 0) }
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
        let error = diagnostic.severity == Severity::Error;
        self.failures += usize::from(error);
        let read = !error || self.failures <= MAX_SAID;
        if read && !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
        Failed(())
    }

    /// Fails because of an earlier error, which has been reported; reports a bug of ours if it has not.
    pub fn failed_before(&mut self, what: &str, span: impl Into<Option<Span>>) -> Failed {
        if self.failures > 0 {
            return Failed(());
        }
        let message = format!("{what} could not be worked out, and no message says why: this is a bug in sslrun");
        self.report(Diagnostic::error(Code::UNSUPPORTED, span, message))
    }

    /// Reports an error.
    pub fn error<T>(&mut self, code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Checked<T> {
        Err(self.report(Diagnostic::error(code, span, message)))
    }

    /// Reports what an operation says of the shapes it was given.
    pub fn shaped<T>(&mut self, result: Result<T, ShapeError>, span: Span) -> Checked<T> {
        match result {
            Ok(made) => Ok(made),
            Err(e) if e.too_large => self.too_far(span, e.message),
            Err(e) => Err(self.report(Diagnostic::error(Code::SHAPE_MISMATCH, span, e.message).maybe_help(e.help))),
        }
    }

    /// Adds nodes whose place is `span`, or the call in the recipe that led to it.
    pub fn built<T>(&mut self, span: Span, add: impl FnOnce(&mut Graph) -> Result<T, ShapeError>) -> Checked<T> {
        let in_recipe = self.calls.iter().rev().map(|c| c.span).find(|s| !self.is_library(s.file));
        let place = if self.is_library(span.file) { in_recipe.unwrap_or(span) } else { span };
        let made = self.graph.at(Some(place), add);
        self.shaped(made, span)
    }

    /// The value of a top-level name, worked out at its first use; `None` if nothing has that name.
    pub fn global(&mut self, home: Home, name: &str, span: Span) -> Option<Checked<Value>> {
        self.resolve(Key::Name(home, name.to_owned()), span, |checker| match home {
            Home::Recipe => checker.define(name, span),
            Home::Library => checker.define_library(name),
        })
    }

    fn define_library(&mut self, name: &str) -> Option<Checked<Value>> {
        let definition = self.library.lets.iter().find(|l| l.name.text == name)?.clone();
        Some(self.define_let(&definition, &Env::new(Home::Library)))
    }

    fn define(&mut self, name: &str, span: Span) -> Option<Checked<Value>> {
        let definitions = self.definitions;
        let env = Env::new(Home::Recipe);
        if let Some(definition) = definitions.lets.iter().find(|l| l.name.text == name) {
            return Some(self.define_let(&Arc::clone(definition), &env));
        }
        if let Some(value) = self.view_named(name) {
            // Where a view is missing because of a slip, so would be complaints of those that are left.
            let whole = name != "views" || self.views.failed.is_empty();
            return Some(if whole { Ok(value) } else { Err(self.failed_before(&format!("`{name}`"), span)) });
        }
        if definitions.views.iter().any(|v| v.names.iter().any(|n| n.name.text == name)) {
            return Some(Err(self.no_view_yet(name, span)));
        }
        if let Some(index) = self.branches.find(name) {
            return Some(match self.branches.all[index].failed {
                true => Err(self.failed_before(&format!("the branch `{name}`"), span)),
                false => Ok(Value::Branch(index)),
            });
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

    /// Why a view that is declared cannot be used yet.
    fn no_view_yet(&mut self, name: &str, span: Span) -> Failed {
        if self.views.failed.iter().any(|n| n == name) {
            return self.failed_before(&format!("the view `{name}`"), span);
        }
        let (message, help) = match self.views.prepared {
            true => (
                format!("the view `{name}` is used before it is declared"),
                "a view starts from one that is declared above it",
            ),
            false => (
                format!(
                    "the view `{name}` cannot be used here: views are known only after the data set and the branches"
                ),
                "settings of the data set and of branches cannot depend on views",
            ),
        };
        self.report(Diagnostic::error(Code::UNKNOWN_NAME, span, message).help(help))
    }

    /// The names of sizes that declared inputs bring.
    fn symbols(&self) -> BTreeSet<String> {
        use crate::syntax::ast::ExprKind;
        let shapes = self.definitions.inputs.iter().flat_map(|(_, shape)| shape);
        let name = |e: &crate::syntax::ast::Expr| if let ExprKind::Name(n) = &e.kind { Some(n.clone()) } else { None };
        shapes.filter_map(name).collect()
    }

    fn is_library(&self, file: FileId) -> bool {
        matches!(file, FileId::Library(_))
    }
}
