//! When a training is written to the disk, and what if that fails.

use std::io::{Seek, Write};
use std::path::Path;

use super::Training;
use crate::source::open_file;
use crate::train::checkpoint::{self, save_encoder};
use crate::train::which::{Which, has_place, remove};
use crate::train::{
    BestSoFar, Control, Event, Measures, Place, Progress, TrainError, encoder_file, last_checkpoint, patiently, saving,
};

impl Training<'_> {
    /// Writes a checkpoint; `planned` where a training that nobody stops writes one, too.
    pub fn save(&mut self, run: &dyn Place, planned: bool, on_event: &mut dyn FnMut(&Event)) -> Result<(), TrainError> {
        on_event(&Event::Saving { step: self.done, planned });
        saving::at_its_place(run)?;
        let own = planned && self.kept_alone() > 0;
        let going = self.plan(own);
        let progress = self.progress();
        if !self.learner.is_finite() {
            self.watch.pause();
            let message = "a parameter or state is not finite: no checkpoint is written".to_owned();
            self.warn(message, None, on_event);
            return Ok(());
        }
        let which = Which::Step(self.done);
        let alone = own && has_place(which, run.path(), self.seed);
        if own && !alone {
            self.warn_of_foreign(which, run, on_event);
        }
        let contents = checkpoint::contents(&self.learner, self.setup.recipe, &progress)?;
        if alone {
            checkpoint::put(&which.file(run.path()), &contents)?;
        }
        let path = last_checkpoint(run.path());
        // A folder that goes between the look and the writing is the reason, not the file that cannot be written for that.
        let put = checkpoint::put(&path, &contents);
        put.map_err(|error| saving::at_its_place(run).err().unwrap_or(error))?;
        // Only now is there a newer one for each that goes.
        remove(run.path(), self.seed, &going);
        self.watch.pause();
        self.kept = Some(self.done);
        on_event(&Event::Checkpoint { step: self.done, path, progress: Box::new(progress) });
        Ok(())
    }

    /// How many checkpoints have files of their own: none where the last one is enough.
    fn kept_alone(&self) -> usize {
        Some(self.setup.recipe.train.keep).filter(|&keep| keep > 1).unwrap_or(0)
    }

    /// Enters the checkpoint of this step among those kept if it is its `own`; the steps whose files are to go. The last of these stays
    /// entered, so that its file goes the next time where the process ends before.
    fn plan(&mut self, own: bool) -> Vec<usize> {
        let most = self.kept_alone();
        let kept = &mut self.journal.kept;
        if own && kept.last() != Some(&self.done) {
            kept.push(self.done);
        }
        let going = kept[..kept.len().saturating_sub(most)].to_vec();
        kept.drain(..kept.len().saturating_sub(most + 1));
        going
    }

    fn progress(&self) -> Progress {
        Progress {
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
        }
    }

    /// Keeps the checkpoint where the features are better than ever, if the recipe wants the best one kept. One that cannot be written
    /// is told of, and the training goes on.
    pub(super) fn keep_best(
        &mut self,
        run: &dyn Place,
        measures: &Measures,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<(), TrainError> {
        let Some(best) = &self.setup.recipe.train.best else { return Ok(()) };
        let Some(value) = measures.get(&best.measure).filter(|value| value.is_finite()) else { return Ok(()) };
        let before = self.journal.best.take().filter(|before| before.measure == best.measure);
        if let Some(before) = &before
            && !(if best.more { value > before.value } else { value < before.value })
        {
            self.journal.best = Some(before.clone());
            return Ok(());
        }
        let epoch = self.clock.epochs(self.done);
        self.journal.best = Some(BestSoFar { measure: best.measure.clone(), value, step: self.done, epoch });
        match self.write_best(run) {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.journal.best = before;
                self.warn_of_foreign(Which::Best, run, on_event);
                Ok(())
            }
            Err(TrainError::File(message)) if run.is_there() => {
                self.journal.best = before;
                let message = format!("the best checkpoint, at step {}, is not kept: {message}", self.done);
                self.warn(message, None, on_event);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn write_best(&mut self, run: &dyn Place) -> Result<bool, TrainError> {
        saving::at_its_place(run)?;
        let recipe = self.setup.recipe;
        let Some(encoder) = &recipe.evaluate.encoder else { return Ok(false) };
        if !self.learner.is_finite() || !has_place(Which::Best, run.path(), self.seed) {
            return Ok(false);
        }
        let contents = checkpoint::contents(&self.learner, recipe, &self.progress())?;
        checkpoint::put(&Which::Best.file(run.path()), &contents)?;
        save_encoder(&self.learner.store, recipe, encoder, self.seed, &encoder_file(run.path(), true))?;
        self.watch.pause();
        Ok(true)
    }

    /// Forgets a best checkpoint that is not there any more: the next look finds another.
    pub(super) fn look_for_best(&mut self, run: &dyn Place, on_event: &mut dyn FnMut(&Event)) {
        if let Some(best) = &self.journal.best
            && !Which::Best.file(run.path()).exists()
        {
            let message = format!("the best checkpoint, of step {}, is gone: it is looked for from here on", best.step);
            self.journal.best = None;
            self.warn(message, None, on_event);
        }
    }

    /// Forgets where the features were best, as they are judged otherwise from now on; what there is to say of that.
    pub fn forget_best(&mut self) -> Option<String> {
        let best = self.journal.best.take()?;
        Some(format!(
            "features are judged otherwise than at step {}: the best checkpoint is looked for anew",
            best.step
        ))
    }

    /// Copies the other checkpoints that are kept, as far as they are there and there is room: the last one is enough to go on.
    pub fn copy_kept(&self, from: &Path, to: &Path) {
        let steps = self.journal.kept.iter().map(|step| Which::Step(*step));
        let files = steps.chain([Which::Best]).map(|which| (which.file(from), which.file(to)));
        for (from, to) in files.chain([(encoder_file(from, true), encoder_file(to, true))]) {
            let Ok(file) = open_file(&from) else { continue };
            let copy = |out: &mut dyn Write| (&file).rewind().and_then(|()| std::io::copy(&mut &file, out)).map(|_| ());
            if checkpoint::put_through(&to, &copy).is_err() {
                break;
            }
        }
    }

    fn warn_of_foreign(&mut self, which: Which, run: &dyn Place, on_event: &mut dyn FnMut(&Event)) {
        let path = which.file(run.path());
        let message =
            format!("{} is not of this training: it is left as it is, and nothing kept there", path.display());
        self.warn(message, None, on_event);
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
