//! Why a command came to nothing: a diagnostic, as those of a recipe are, and by whose turn it is to do something about it.

use std::fmt;
use std::path::Path;

use crate::data::DataError;
use crate::diag::{Code, Diagnostic, Label, Severity};
use crate::exec::ExecError;
use crate::source::{Sources, Span};
use crate::train::{TrainError, last_checkpoint};

/// Why a command came to nothing.
#[derive(Clone, Debug)]
pub struct Failure {
    /// By whose turn it is.
    pub kind: FailureKind,
    /// What went wrong, where, and what to do.
    pub diagnostic: Box<Diagnostic>,
    /// The texts that its places are in.
    pub sources: Sources,
}

/// Whose turn it is to do something about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The program was called wrongly.
    Usage,
    /// Something went wrong while running.
    Run,
    /// Somebody stopped it.
    Stopped,
}

impl Failure {
    /// The program was called wrongly.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Usage, Diagnostic::error(Code::USAGE, None, message))
    }

    /// Something went wrong while running, nowhere in a recipe.
    pub fn run(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Run, Diagnostic::error(Code::RUN_FAILED, None, message))
    }

    /// Somebody stopped it.
    pub fn stopped(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Stopped, Diagnostic::note(Code::STOPPED, None, message))
    }

    /// What is said while running, in words of its own; a note is said by who stopped it.
    pub fn of(diagnostic: Diagnostic, sources: &Sources) -> Self {
        let kind = if diagnostic.severity == Severity::Error { FailureKind::Run } else { FailureKind::Stopped };
        Self { sources: sources.clone(), ..Self::new(kind, diagnostic) }
    }

    /// What is wrong with data that no recipe names.
    pub fn of_data(error: DataError) -> Self {
        Self::of(DataError { span: None, ..error }.diagnostic(), &Sources::default())
    }

    /// What went wrong while training.
    pub(super) fn of_training(error: &TrainError, sources: &Sources) -> Self {
        Self::of(error.diagnostic(), sources)
    }

    /// What could not be computed.
    pub(super) fn of_computing(error: &ExecError, sources: &Sources) -> Self {
        Self::of(error.diagnostic(), sources)
    }

    /// The same as a mistake in how the program was called.
    pub fn as_usage(self) -> Self {
        Self { kind: FailureKind::Usage, ..self }
    }

    /// The same at a place.
    pub(super) fn at(mut self, span: impl Into<Option<Span>>, sources: &Sources) -> Self {
        self.diagnostic.labels = span.into().map(|span| Label { span, text: String::new() }).into_iter().collect();
        Self { sources: sources.clone(), ..self }
    }

    /// Says what to do.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.diagnostic.help = Some(text.into());
        self
    }

    /// Says what to do, if there is something to say.
    pub fn maybe_help(self, text: Option<String>) -> Self {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
    }

    /// Adds something to know.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.diagnostic.notes.push(text.into());
        self
    }

    /// Says which checkpoint of the run is left, if there is one.
    pub(super) fn keeping(self, run: &Path) -> Self {
        let last = last_checkpoint(run);
        match self.kind == FailureKind::Run && last.exists() {
            true => self.note(format!("the last good checkpoint is {}", last.display())),
            false => self,
        }
    }

    fn new(kind: FailureKind, diagnostic: Diagnostic) -> Self {
        Self { kind, diagnostic: Box::new(diagnostic), sources: Sources::default() }
    }
}

/// All that is said, for logs and tests: a line for the message, each place, each note and the help.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)?;
        for label in &self.diagnostic.labels {
            let text = if label.text.is_empty() { String::new() } else { format!(": {}", label.text) };
            write!(f, "\n  at {}{text}", self.sources.locate(label.span))?;
        }
        self.diagnostic.notes.iter().try_for_each(|note| write!(f, "\n  note: {note}"))?;
        self.diagnostic.help.iter().try_for_each(|help| write!(f, "\n  help: {help}"))
    }
}

impl std::error::Error for Failure {}
