//! What can go wrong while training.

use std::fmt;

use crate::data::DataError;
use crate::exec::{Culprit, ExecError};
use crate::source::Span;

/// Why a training stopped.
#[derive(Clone, Debug, PartialEq)]
pub enum TrainError {
    /// A sample could not be read or made.
    Data(DataError),
    /// A step could not be computed.
    Exec(ExecError),
    /// A step computed something that is not finite.
    NotFinite(Box<NotFinite>),
    /// A setting of the recipe cannot be followed.
    Recipe {
        /// What is wrong.
        message: String,
        /// Where it is written.
        span: Option<Span>,
    },
    /// A file could not be read or written; the message names it.
    File(String),
    /// It cannot begin where it is told to.
    Start(String),
    /// Somebody stopped it before it was done.
    Stopped,
}

/// What is not finite of a step that was to train.
#[derive(Clone, Debug, PartialEq)]
pub enum NotFiniteKind {
    /// The loss itself, which is NaN or an infinity.
    Loss(f64),
    /// The gradient by the parameter of that name.
    Gradient(String),
    /// What the state of that name was to become.
    State(String),
    /// The parameter of that name, by its update.
    Update(String),
}

/// A step that computed something that is not finite: of which term, and where it began.
#[derive(Clone, Debug, PartialEq)]
pub struct NotFinite {
    /// What is not finite.
    pub kind: NotFiniteKind,
    /// The first term of the loss that makes it so by itself; `None` where no single one does.
    pub term: Option<String>,
    /// Where that is written.
    pub span: Option<Span>,
    /// The operation that made of finite numbers others, where it is known.
    pub culprit: Option<Culprit>,
    /// The step, from 1.
    pub step: usize,
    /// The same in epochs.
    pub epoch: f64,
}

impl TrainError {
    /// The place in the recipe that is at fault, if there is one.
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Data(error) => error.span,
            Self::Exec(error) => error.span,
            Self::NotFinite(error) => error.span,
            Self::Recipe { span, .. } => *span,
            Self::File(_) | Self::Start(_) | Self::Stopped => None,
        }
    }
}

impl fmt::Display for TrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(error) => error.fmt(f),
            Self::Exec(error) => error.fmt(f),
            Self::NotFinite(error) => error.fmt(f),
            Self::Recipe { message, .. } | Self::File(message) | Self::Start(message) => f.write_str(message),
            Self::Stopped => f.write_str("stopped before the end"),
        }
    }
}

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (step, epoch) = (self.step, self.epoch);
        let term = self.term.as_ref().map_or("the loss".to_owned(), |term| format!("loss term `{term}`"));
        match &self.kind {
            NotFiniteKind::Loss(value) => write!(f, "{term} is not finite: {value} at step {step} (epoch {epoch:.2})"),
            NotFiniteKind::Gradient(name) => {
                write!(f, "the gradient of {term} is not finite, that by `{name}`, at step {step} (epoch {epoch:.2})")
            }
            NotFiniteKind::State(name) => {
                write!(f, "what the state `{name}` becomes is not finite at step {step} (epoch {epoch:.2})")
            }
            NotFiniteKind::Update(name) => {
                write!(f, "`{name}` is not finite after the update of step {step} (epoch {epoch:.2})")
            }
        }
    }
}

impl std::error::Error for TrainError {}

impl From<DataError> for TrainError {
    fn from(error: DataError) -> Self {
        Self::Data(error)
    }
}

impl From<NotFinite> for TrainError {
    fn from(error: NotFinite) -> Self {
        Self::NotFinite(Box::new(error))
    }
}

impl From<ExecError> for TrainError {
    fn from(error: ExecError) -> Self {
        Self::Exec(error)
    }
}
