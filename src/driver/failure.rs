//! Why a run came to nothing, worded for people.

use std::fmt;
use std::path::Path;

use crate::diag::line_at;
use crate::exec::{Culprit, ExecError};
use crate::source::{Sources, Span};
use crate::train::{NotFinite, NotFiniteKind, TrainError, last_checkpoint};

/// A failure, by whose turn it is to do something about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The program was called wrongly.
    Usage(String),
    /// Something went wrong while running.
    Run(String),
    /// Somebody stopped it.
    Stopped(String),
}

impl Failure {
    /// What went wrong while training, with the place in the recipe that asked for it.
    pub(super) fn of_training(error: TrainError, sources: &Sources) -> Self {
        let place = error.span().map_or_else(String::new, |span| point(sources, span));
        let more = match &error {
            TrainError::NotFinite(found) => begun(found.culprit.as_ref(), sources) + &advice(found),
            TrainError::Stopped => return Self::Stopped(error.to_string()),
            TrainError::Data(_) | TrainError::Exec(_) | TrainError::Recipe { .. } => String::new(),
            TrainError::File(_) | TrainError::Start(_) => String::new(),
        };
        Self::Run(format!("{error}{place}{more}"))
    }

    /// What could not be computed, with the place in the recipe that asked for it.
    pub(super) fn of_computing(error: &ExecError, sources: &Sources) -> Self {
        let place = error.span.map_or_else(String::new, |span| point(sources, span));
        Self::Run(format!("{error}{place}"))
    }

    /// Says which checkpoint of the run is left, if there is one.
    pub(super) fn keeping(self, run: &Path) -> Self {
        let last = last_checkpoint(run);
        match self {
            Self::Run(message) if last.exists() => {
                Self::Run(format!("{message}\n  = note: the last good checkpoint is {}", last.display()))
            }
            Self::Usage(_) | Self::Run(_) | Self::Stopped(_) => self,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Run(message) | Self::Stopped(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Failure {}

/// The operation that made of finite numbers others, and where it is written.
pub(super) fn begun(culprit: Option<&Culprit>, sources: &Sources) -> String {
    let Some(culprit) = culprit else { return String::new() };
    let place = culprit.span.map_or_else(String::new, |span| point(sources, span));
    format!("\n  = note: {culprit}{place}")
}

/// What may help: rates and clipping only where something has been learnt before.
fn advice(found: &NotFinite) -> String {
    let help = match &found.kind {
        NotFiniteKind::Update(_) => "a smaller learning rate or a warm-up may keep the update finite",
        _ if found.step == 1 => {
            "nothing has been trained yet: no learning rate is to blame, but what is computed, or what it is given"
        }
        NotFiniteKind::Gradient(_) => {
            "`train { not_finite: skip }` leaves such steps out; a smaller learning rate or a warm-up may keep them finite"
        }
        NotFiniteKind::Loss(_) | NotFiniteKind::State(_) => {
            "a smaller learning rate, a warm-up, or `clip: clip_norm(1)` in `train` may keep it finite"
        }
    };
    format!("\n  = help: {help}")
}

/// File, line and column of a place, and the line itself.
pub(super) fn point(sources: &Sources, span: Span) -> String {
    let text = line_at(sources.get(span.file), span.start as usize);
    format!("\n  --> {}\n   |  {text}", sources.locate(span))
}
