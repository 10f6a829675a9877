//! What a training has to say: the loop prints nothing, whoever wants to know subscribes.

use std::path::PathBuf;

use super::{Clock, Measures, Progress};
use crate::source::Span;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The training begins, or goes on after `from` steps.
    Started {
        /// Steps in all, and an epoch.
        clock: Clock,
        /// Steps that an earlier run has done.
        from: usize,
        /// Numbers that are trained.
        parameters: u64,
        /// Samples a step.
        batch: usize,
    },
    /// A step has been done.
    Step(Step),
    /// The features have been judged.
    Evaluated {
        /// Steps done.
        step: usize,
        /// The same in epochs.
        epoch: f64,
        /// Seconds spent on training, evaluation not counted.
        seconds: f64,
        /// What was found.
        measures: Measures,
    },
    /// A checkpoint is about to be written: what was told before must be on the disk before it.
    Saving {
        /// Steps done.
        step: usize,
        /// Whether a training that nobody stops writes one here, too.
        planned: bool,
    },
    /// A checkpoint has been written.
    Checkpoint {
        /// Steps done.
        step: usize,
        /// The file.
        path: PathBuf,
        /// What it says besides its tensors.
        progress: Box<Progress>,
    },
    /// Something cannot be written; it is tried again after a while.
    Waiting {
        /// What, and why not.
        message: String,
        /// How long it waits.
        seconds: u64,
    },
    /// Something is done first that the training needs.
    Preparing {
        /// What, and why.
        message: String,
    },
    /// Something happened in the training of a recipe that this one takes frozen weights from.
    Beforehand {
        /// The file of that recipe.
        recipe: PathBuf,
        /// What happened.
        event: Box<Event>,
    },
    /// States are being recomputed over the whole data set, before the next step.
    Refreshing {
        /// Steps done.
        step: usize,
        /// The states.
        states: Vec<String>,
        /// Samples that have been passed through.
        samples: usize,
        /// Samples in all.
        of: usize,
    },
    /// States have been recomputed.
    Refreshed {
        /// Steps done.
        step: usize,
        /// The states.
        states: Vec<String>,
        /// Seconds it took.
        seconds: f64,
    },
    /// Something that must stay true while training does not hold.
    Warning {
        /// What is wrong.
        message: String,
        /// Where it is written, if somewhere.
        span: Option<Span>,
    },
    /// Somebody stopped the training; everything is saved.
    Interrupted {
        /// Steps done.
        step: usize,
    },
    /// All steps have been done.
    Finished {
        /// Steps done, in this run and in those before.
        step: usize,
    },
    /// The closing judgement has come to this encoder.
    Judging {
        /// What is judged.
        subject: String,
    },
}

/// What one step has shown.
#[derive(Clone, Debug)]
pub struct Step {
    /// Steps done, this one included.
    pub step: usize,
    /// The same in epochs.
    pub epoch: f64,
    /// The whole loss.
    pub loss: f64,
    /// Each term of the loss, in the order of the recipe.
    pub terms: Vec<(String, f64)>,
    /// The learning rate.
    pub lr: f64,
    /// Whether nothing was updated, as something was not finite.
    pub skipped: bool,
    /// Samples trained on a second, over the last second or so.
    pub images_per_second: f64,
    /// Seconds spent on training, evaluation not counted.
    pub seconds: f64,
}
