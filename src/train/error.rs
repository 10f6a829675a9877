//! What can go wrong while training.

use std::fmt;

use crate::data::DataError;
use crate::exec::ExecError;
use crate::source::Span;

/// Why a training stopped.
#[derive(Clone, Debug, PartialEq)]
pub enum TrainError {
    /// A sample could not be read or made.
    Data(DataError),
    /// A step could not be computed.
    Exec(ExecError),
    /// The loss was not finite.
    NotFinite(NotFinite),
    /// A setting of the recipe cannot be followed.
    Recipe {
        /// What is wrong.
        message: String,
        /// Where it is written.
        span: Span,
    },
    /// A file could not be read or written; the message names it.
    File(String),
}

/// A loss that is not finite: which term, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct NotFinite {
    /// The first term that is not finite; `None` where only their sum is not.
    pub term: Option<String>,
    /// Its value: NaN or an infinity.
    pub value: f64,
    /// Where it is written.
    pub span: Option<Span>,
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
            Self::Recipe { span, .. } => Some(*span),
            Self::File(_) => None,
        }
    }
}

impl fmt::Display for TrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(error) => error.fmt(f),
            Self::Exec(error) => error.fmt(f),
            Self::NotFinite(error) => error.fmt(f),
            Self::Recipe { message, .. } | Self::File(message) => f.write_str(message),
        }
    }
}

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (step, epoch, value) = (self.step, self.epoch, self.value);
        let what = self.term.as_ref().map_or("the loss".to_owned(), |term| format!("loss term `{term}`"));
        write!(f, "{what} is not finite: {value} at step {step} (epoch {epoch:.2})")
    }
}

impl std::error::Error for TrainError {}

impl From<DataError> for TrainError {
    fn from(error: DataError) -> Self {
        Self::Data(error)
    }
}

impl From<ExecError> for TrainError {
    fn from(error: ExecError) -> Self {
        Self::Exec(error)
    }
}
