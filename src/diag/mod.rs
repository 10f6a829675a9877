//! Diagnostics as data, and how they are shown to people and to programs.

mod codes;
mod escape;
mod excerpt;
mod names;
mod render;

pub use codes::{CODES, Code};
pub use escape::{visible, visible_line};
pub use excerpt::line_at;
pub use names::{nearest, suggest};
pub use render::{json, json_array, render, render_colored, values};

use crate::source::Span;

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something to know; nothing is wrong.
    Note,
    /// The recipe runs, but probably not as its author hopes.
    Warning,
    /// The recipe cannot run.
    Error,
}

/// A span with what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be seen there; may be empty.
    pub text: String,
}

/// One complaint: what is wrong, where, how control came there, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which rule was broken; `sslrun explain CODE` tells more.
    pub code: Code,
    /// Error, warning or note.
    pub severity: Severity,
    /// One sentence, without a full stop.
    pub message: String,
    /// Places, the main one first.
    pub labels: Vec<Label>,
    /// The calls that led to the main place, outermost first.
    pub trace: Vec<Label>,
    /// What else is to be known, a sentence each.
    pub notes: Vec<String>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error of `code` at `span`, or nowhere in particular.
    pub fn error(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        let labels = span.into().map(|span| Label { span, text: String::new() }).into_iter().collect();
        let (message, severity) = (message.into(), Severity::Error);
        Self { code, severity, message, labels, trace: Vec::new(), notes: Vec::new(), help: None }
    }

    /// A warning of `code` at `span`.
    pub fn warning(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// A note of `code` at `span`.
    pub fn note(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(code, span, message) }
    }

    /// Says what is to be seen at the main place.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        if let Some(label) = self.labels.first_mut() {
            label.text = text.into();
        }
        self
    }

    /// Adds another place.
    pub fn also(mut self, span: impl Into<Option<Span>>, text: impl Into<String>) -> Self {
        let text = text.into();
        self.labels.extend(span.into().map(|span| Label { span, text }));
        self
    }

    /// Adds something to know, a sentence of its own.
    pub fn note_also(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Says what to do.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Says what to do, if there is something to say.
    pub fn maybe_help(mut self, text: Option<String>) -> Self {
        self.help = text.or(self.help);
        self
    }

    /// The main place.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|l| l.span)
    }
}
