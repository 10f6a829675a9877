//! What can go wrong while training.

use std::fmt;

use crate::data::DataError;
use crate::diag::{Code, Diagnostic};
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
    /// What is said of it elsewhere, in words of its own.
    Told(Box<Diagnostic>),
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
    /// The error as it is told, with the place in the recipe that is at fault, if there is one.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Data(error) => error.diagnostic(),
            Self::Exec(error) => error.diagnostic(),
            Self::NotFinite(error) => error.diagnostic(),
            Self::Recipe { message, span } => Diagnostic::error(Code::INVALID_VALUE, *span, message),
            Self::File(message) | Self::Start(message) => Diagnostic::error(Code::RUN_FAILED, None, message),
            Self::Told(diagnostic) => (**diagnostic).clone(),
            Self::Stopped => Diagnostic::note(Code::STOPPED, None, self.to_string()),
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
            Self::Told(diagnostic) => f.write_str(&diagnostic.message),
            Self::Stopped => f.write_str("stopped before the end"),
        }
    }
}

impl NotFinite {
    /// The error as it is told: where it shows, where it began, and what may help.
    pub fn diagnostic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::error(Code::NOT_FINITE, self.span, self.to_string()).help(self.advice());
        self.culprit.as_ref().map_or(diagnostic.clone(), |culprit| culprit.told(diagnostic))
    }

    /// What may help: rates and clipping only where something has been learnt before.
    fn advice(&self) -> &'static str {
        match &self.kind {
            NotFiniteKind::Update(_) => "a smaller learning rate or a warm-up may keep the update finite",
            _ if self.step == 1 => {
                "nothing has been trained yet: no learning rate is to blame, but what is computed, or what it is given"
            }
            NotFiniteKind::Gradient(_) => {
                "`train { not_finite: skip }` leaves such steps out; a smaller learning rate or a warm-up may keep them finite"
            }
            NotFiniteKind::Loss(_) | NotFiniteKind::State(_) => {
                "a smaller learning rate, a warm-up, or `clip: clip_norm(1)` in `train` may keep it finite"
            }
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
