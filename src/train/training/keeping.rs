//! When a training is written to the disk, and what if that fails.

use super::Training;
use crate::train::{Control, Event, Place, Progress, TrainError, checkpoint, patiently, saving};

impl Training<'_> {
    /// Writes a checkpoint; `planned` where a training that nobody stops writes one, too.
    pub fn save(&mut self, run: &dyn Place, planned: bool, on_event: &mut dyn FnMut(&Event)) -> Result<(), TrainError> {
        on_event(&Event::Saving { step: self.done, planned });
        saving::at_its_place(run)?;
        let progress = Progress {
            step: self.done,
            begun: self.begun,
            seconds: self.watch.seconds(),
            images: self.images,
            clock: self.clock,
            seed: self.seed,
            kernels: crate::kernels::Path::current().name().to_owned(),
            recipe: self.setup.recipe.text.clone(),
            since: self.learner.descent.since(),
            journal: self.journal.clone(),
        };
        let saved = checkpoint::save(&self.learner, self.setup.recipe, run.path(), &progress)?;
        self.watch.pause();
        match saved {
            Some(path) => {
                self.kept = Some(self.done);
                on_event(&Event::Checkpoint { step: self.done, path, progress: Box::new(progress) });
            }
            None => {
                let message = "a parameter or state is not finite: no checkpoint is written".to_owned();
                self.warn(message, None, on_event);
            }
        }
        Ok(())
    }

    /// Whether all that has been trained is in a checkpoint.
    pub fn is_kept(&self) -> bool {
        self.kept == Some(self.done)
    }

    /// Writes a checkpoint that others will follow: the training goes on without, unless its folder is gone.
    pub(super) fn save_on_the_way(
        &mut self,
        run: &dyn Place,
        planned: bool,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<(), TrainError> {
        match self.save(run, planned, on_event) {
            Err(TrainError::File(message)) if run.is_there() => {
                let message = format!("no checkpoint at step {}, the training goes on: {message}", self.done);
                self.warn(message, None, on_event);
                Ok(())
            }
            result => result,
        }
    }

    /// Writes the checkpoint that no other will follow.
    pub(super) fn save_at_last(
        &mut self,
        run: &dyn Place,
        planned: bool,
        control: &Control,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<(), TrainError> {
        patiently(run, control, on_event, |on_event| self.save(run, planned, on_event))
    }
}
