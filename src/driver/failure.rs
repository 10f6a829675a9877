//! Why a run came to nothing, worded for people.

use std::fmt;
use std::path::Path;

use crate::source::{Sources, Span};
use crate::train::{TrainError, last_checkpoint};

/// A failure, by whose turn it is to do something about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The program was called wrongly.
    Usage(String),
    /// Something went wrong while running.
    Run(String),
}

impl Failure {
    /// What went wrong while training, with the place in the recipe that asked for it.
    pub(super) fn of_training(error: TrainError, sources: &Sources) -> Self {
        let place = error.span().map_or_else(String::new, |span| point(sources, span));
        let help = match &error {
            TrainError::NotFinite(_) => {
                "\n  = help: a smaller learning rate, a warm-up, or `clip: clip_norm(1)` in `train` may keep it finite"
            }
            _ => "",
        };
        Self::Run(format!("{error}{place}{help}"))
    }

    /// Says which checkpoint of the run is left, if there is one.
    pub(super) fn keeping(self, run: &Path) -> Self {
        let last = last_checkpoint(run);
        match self {
            Self::Run(message) if last.exists() => {
                Self::Run(format!("{message}\n  = note: the last good checkpoint is {}", last.display()))
            }
            other => other,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Run(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Failure {}

/// File, line and column of a place, and the line itself.
pub(super) fn point(sources: &Sources, span: Span) -> String {
    let source = sources.get(span.file);
    let (line, _) = source.line_column(span.start as usize);
    let text = source.text.lines().nth(line - 1).unwrap_or_default().trim();
    format!("\n  --> {}\n   |  {text}", sources.locate(span))
}
