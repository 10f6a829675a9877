//! The loop: batches in, steps, and now and then a look at the features and a checkpoint.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::speed::Stopwatch;
use super::{
    Baselines, Checkpoint, Clock, Event, Judge, Learner, Losses, Refresher, Splits, Step, TrainError, Verdict,
    checkpoint,
};
use crate::check::Recipe;
use crate::data::{Batch, Loader, ViewSpec};
use crate::exec::{EngineKind, Memory};

/// How a recipe is to be trained, apart from what it says itself.
#[derive(Clone)]
pub struct Setup<'a> {
    /// What is trained.
    pub recipe: &'a Recipe,
    /// On what.
    pub data: Splits,
    /// By which engine.
    pub engine: EngineKind,
    /// Threads that make batches; as many as there are cores where not given.
    pub threads: Option<usize>,
}

/// A training between two steps.
pub struct Training<'a> {
    setup: Setup<'a>,
    loader: Loader,
    learner: Learner,
    refresher: Option<Refresher>,
    judge: Option<Judge>,
    clock: Clock,
    done: usize,
    watch: Stopwatch,
    broken: Vec<bool>,
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All steps have been done.
    Finished,
    /// Somebody stopped it.
    Interrupted,
}

impl<'a> Training<'a> {
    /// A training before its first step, or where an earlier one stopped.
    pub fn new(setup: Setup<'a>, from: Option<&Checkpoint>) -> Result<Self, TrainError> {
        let train = &setup.recipe.train;
        let mut loader = Loader::new(setup.data.train.clone(), &view_specs(setup.recipe), train.batch, train.seed)?;
        if let Some(threads) = setup.threads {
            loader = loader.threads(threads);
        }
        let clock = Clock::new(train.epochs, loader.batches_per_epoch());
        let mut learner = Learner::of_samples(setup.recipe, setup.engine, clock, loader.samples())?;
        let mut watch = Stopwatch::default();
        if let Some(checkpoint) = from {
            checkpoint.restore(&mut learner)?;
            watch = Stopwatch::after(checkpoint.seconds);
        }
        let judge = Judge::new(setup.recipe, setup.engine, &setup.data, Some(&loader))?;
        let broken = vec![false; setup.recipe.expectations.len()];
        let done = from.map_or(0, |c| c.step.min(clock.steps));
        let refresher = Refresher::new(&setup.recipe.graph, setup.engine, train.batch, train.seed);
        Ok(Self { setup, loader, learner, refresher, judge, clock, done, watch, broken })
    }

    /// Trains until all steps are done, or until `stop` is set: then the step is finished and everything saved.
    /// Checkpoints go into the folder `run`.
    pub fn run(
        &mut self,
        run: &Path,
        stop: &AtomicBool,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Ending, TrainError> {
        on_event(&Event::Started {
            clock: self.clock,
            from: self.done,
            parameters: self.learner.parameters(),
            batch: self.setup.recipe.train.batch,
        });
        self.warn_of_no_step(on_event);
        for batch in self.loader.steps(self.done..self.clock.steps) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let batch = batch?;
            self.step(&batch, on_event)?;
            self.pauses(run, on_event)?;
            self.loader.recycle(batch);
        }
        self.save(run, on_event)?;
        if self.done < self.clock.steps {
            on_event(&Event::Interrupted { step: self.done });
            return Ok(Ending::Interrupted);
        }
        on_event(&Event::Finished { step: self.done });
        Ok(Ending::Finished)
    }

    /// Warns where the epochs of the recipe do not make up a single step.
    fn warn_of_no_step(&self, on_event: &mut dyn FnMut(&Event)) {
        let epochs = self.setup.recipe.train.epochs;
        if self.clock.steps == 0 && epochs > 0.0 {
            let message = format!(
                "nothing is trained: {epochs} epochs of {} steps are less than a step; raise `train.epochs`",
                self.clock.per_epoch
            );
            on_event(&Event::Warning { message, span: None });
        }
    }

    fn step(&mut self, batch: &Batch, on_event: &mut dyn FnMut(&Event)) -> Result<(), TrainError> {
        let start = Instant::now();
        let lr = self.learner.descent.lr(self.done, self.clock);
        if let Some(refresher) = &self.refresher {
            refresher.apply(self.done, self.clock, &mut self.learner, &self.loader, on_event)?;
        }
        let losses = self.learner.step(self.done, batch)?;
        self.done += 1;
        self.watch.lap(start, batch.index.len());
        on_event(&Event::Step(self.report(&losses, lr)));
        self.watch_expectations(&losses, on_event);
        Ok(())
    }

    /// What is due between two steps.
    fn pauses(&mut self, run: &Path, on_event: &mut dyn FnMut(&Event)) -> Result<(), TrainError> {
        let recipe = self.setup.recipe;
        if self.clock.due(self.done, recipe.evaluate.every) {
            self.look(on_event)?;
        }
        if self.clock.due(self.done, recipe.train.checkpoint) && self.done < self.clock.steps {
            self.save(run, on_event)?;
        }
        Ok(())
    }

    fn report(&self, losses: &Losses, lr: f64) -> Step {
        let terms = self.learner.terms().map(str::to_owned).zip(losses.terms.iter().copied());
        Step {
            step: self.done,
            epoch: self.clock.epochs(self.done),
            loss: losses.total,
            terms: terms.collect(),
            lr,
            images_per_second: self.watch.rate(),
            seconds: self.watch.seconds(),
        }
    }

    /// Warns of each expectation when it breaks, not as long as it stays broken.
    fn watch_expectations(&mut self, losses: &Losses, on_event: &mut dyn FnMut(&Event)) {
        let expectations = self.setup.recipe.expectations.iter().zip(&losses.expectations);
        for ((expectation, &holds), broken) in expectations.zip(&mut self.broken) {
            if !holds && !*broken {
                let message = format!("`{}` no longer holds at step {}", expectation.text, self.done);
                on_event(&Event::Warning { message, span: Some(expectation.span) });
            }
            *broken = !holds;
        }
    }

    fn look(&mut self, on_event: &mut dyn FnMut(&Event)) -> Result<(), TrainError> {
        if let Some(judge) = &mut self.judge {
            let measures = judge.look(&mut self.learner.memory)?;
            self.watch.pause();
            let (epoch, seconds) = (self.clock.epochs(self.done), self.watch.seconds());
            on_event(&Event::Evaluated { step: self.done, epoch, seconds, measures });
        }
        Ok(())
    }

    fn save(&mut self, run: &Path, on_event: &mut dyn FnMut(&Event)) -> Result<(), TrainError> {
        let saved = checkpoint::save(&self.learner, run, self.done, self.watch.seconds())?;
        self.watch.pause();
        let event = match saved {
            Some(path) => Event::Checkpoint { step: self.done, path },
            None => {
                Event::Warning { message: "a parameter is not finite: no checkpoint is written".to_owned(), span: None }
            }
        };
        on_event(&event);
        Ok(())
    }

    /// Keeps the encoder by itself, and judges it with the recipe's probes beside what it has to beat; nothing where
    /// `stop` was set before the end.
    pub fn verdict(
        &mut self,
        run: &Path,
        baselines: &Baselines,
        stop: &AtomicBool,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Option<Verdict>, TrainError> {
        let (Some(judge), Some(encoder)) = (&mut self.judge, &self.setup.recipe.evaluate.encoder) else {
            return Ok(Some(Verdict::default()));
        };
        checkpoint::save_encoder(&self.learner.memory, encoder, run)?;
        let train = &self.setup.recipe.train;
        let size = super::learner::sizes(train.batch, self.loader.samples());
        let mut untrained = Memory::new(&self.setup.recipe.graph, &size, train.seed)?;
        judge.verdict(&mut self.learner.memory, &mut untrained, baselines, stop, on_event)
    }

    /// What learns.
    pub fn learner(&mut self) -> &mut Learner {
        &mut self.learner
    }

    /// Seconds spent on training, in this run and in those before.
    pub fn seconds(&self) -> f64 {
        self.watch.seconds()
    }

    /// Samples trained on, in this run and in those before.
    pub fn images(&self) -> u64 {
        (self.done * self.setup.recipe.train.batch) as u64
    }
}

/// How the views of a recipe are made.
pub fn view_specs(recipe: &Recipe) -> Vec<ViewSpec> {
    let spec = |v: &crate::check::View| ViewSpec { name: v.name.clone(), from: v.from, steps: v.steps.clone() };
    recipe.views.iter().map(spec).collect()
}
