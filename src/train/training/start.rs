//! Where a training begins: with its first step, or with what another one has left.

use super::Training;
use crate::train::speed::Stopwatch;
use crate::train::{Checkpoint, Progress, Taken, TrainError};

/// Where a training begins.
#[derive(Clone, Copy)]
pub enum Start<'c> {
    /// With its first step.
    Anew,
    /// Where an earlier one of the same recipe stopped.
    Resume(&'c Checkpoint),
    /// With what fits of another run: at the moment where that stands if it `goes_on`, or with its first step.
    Branch {
        /// The other run.
        from: &'c Checkpoint,
        /// Whether steps, schedules and optimizers go on.
        goes_on: bool,
    },
}

impl Training<'_> {
    /// Puts a training that has just been made where it begins.
    pub(super) fn begin(&mut self, start: Start) -> Result<Taken, TrainError> {
        match start {
            Start::Anew => Ok(Taken::default()),
            Start::Resume(checkpoint) => {
                checkpoint.restore(&mut self.learner)?;
                let progress = &checkpoint.progress;
                (self.done, self.begun) = (progress.step.min(self.clock.steps), progress.begun);
                self.take_over(progress);
                Ok(Taken::default())
            }
            Start::Branch { from, goes_on: false } => from.branch(&mut self.learner, false, 0),
            Start::Branch { from, goes_on: true } => {
                let progress = &from.progress;
                let epochs = progress.clock.epochs(progress.step);
                self.done = (epochs * self.clock.per_epoch as f64).round() as usize;
                if self.done >= self.clock.steps {
                    return Err(TrainError::Start(format!(
                        "that run has trained {epochs} epochs, and the training is to have {}: raise `train.epochs`",
                        self.setup.recipe.train.epochs
                    )));
                }
                self.take_over(progress);
                self.journal.broken.clear();
                // Its other checkpoints stay where they are.
                self.journal.kept.clear();
                self.journal.best = None;
                from.branch(&mut self.learner, true, self.done)
            }
        }
    }

    fn take_over(&mut self, progress: &Progress) {
        (self.images, self.seed) = (progress.images, progress.seed);
        self.watch = Stopwatch::after(progress.seconds);
        self.journal = progress.journal.clone();
    }
}
