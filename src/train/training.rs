//! The loop: batches in, steps, and now and then a look at the features and a checkpoint.

mod judging;
mod keeping;
mod start;
mod warnings;

use std::time::Instant;

pub use start::Start;

use super::speed::Stopwatch;
use super::{
    Clock, Control, Event, Journal, Judge, Learner, Losses, NotFiniteKind, Place, Refresher, Step, Taken, TrainError,
    loader,
};
use crate::check::Recipe;
use crate::data::{Batch, Loader, Splits, ViewSpec};
use crate::exec::EngineKind;

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
    /// Whether what comes before the forward pass of the next step has been done.
    begun: bool,
    /// The step of the last checkpoint, if this training has written one.
    kept: Option<usize>,
    images: u64,
    /// The seed from which first values were drawn.
    seed: u64,
    watch: Stopwatch,
    journal: Journal,
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All steps have been done.
    Finished,
    /// Somebody stopped it.
    Interrupted,
}

/// The most steps one behind the other that may be left out because something is not finite.
const MOST_SKIPPED: usize = 100;

impl<'a> Training<'a> {
    /// A training before its next step, and what a branch has found.
    pub fn new(setup: Setup<'a>, start: Start) -> Result<(Self, Taken), TrainError> {
        let train = &setup.recipe.train;
        let mut loader = loader(setup.recipe, &setup.data.train, train.batch, train.seed)?;
        if let Some(threads) = setup.threads {
            loader = loader.threads(threads);
        }
        let clock = Clock::new(train.epochs, loader.batches_per_epoch());
        let learner = Learner::of_samples(setup.recipe, setup.engine, clock, loader.samples())?;
        let judge = Judge::new(setup.recipe, setup.engine, &setup.data, Some(&loader))?;
        let refresher = Refresher::new(setup.recipe, setup.engine);
        let seed = train.seed;
        let (watch, journal) = (Stopwatch::default(), Journal::default());
        let mut training = Self {
            setup,
            loader,
            learner,
            refresher,
            judge,
            clock,
            done: 0,
            begun: false,
            kept: None,
            images: 0,
            seed,
            watch,
            journal,
        };
        let taken = training.begin(start)?;
        training.journal.broken.resize(training.setup.recipe.expectations.len(), false);
        Ok((training, taken))
    }

    /// Trains until all steps are done, or until `control` stops it: then the step is finished and everything saved.
    /// Checkpoints go into the folder `run`; one of the beginning, too, so that it can be gone on with at any moment.
    pub fn run(
        &mut self,
        run: &dyn Place,
        control: &Control,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Ending, TrainError> {
        on_event(&Event::Started {
            clock: self.clock,
            from: self.done,
            parameters: self.learner.parameters(),
            batch: self.setup.recipe.train.batch,
        });
        self.warn_of_no_step(on_event);
        self.warn_of_warm_ups(on_event);
        self.look_for_best(run, on_event);
        self.save(run, false, on_event)?;
        for batch in self.loader.steps(self.done..self.clock.steps) {
            if control.stops() {
                break;
            }
            let batch = batch?;
            match self.step(&batch, control, on_event) {
                Ok(()) => self.pauses(run, control, on_event)?,
                Err(TrainError::Stopped) => break,
                Err(error) => return Err(self.give_up(error, run, control, on_event)?),
            }
            self.loader.recycle(batch);
        }
        let over = self.done >= self.clock.steps;
        self.save_at_last(run, over, control, on_event)?;
        if !over {
            on_event(&Event::Interrupted { step: self.done });
            return Ok(Ending::Interrupted);
        }
        self.warn_of_skipped(on_event);
        self.warn_of_no_best(on_event);
        on_event(&Event::Finished { step: self.done });
        Ok(Ending::Finished)
    }

    /// Keeps the last good state where a step went wrong before anything was updated.
    fn give_up(
        &mut self,
        error: TrainError,
        run: &dyn Place,
        control: &Control,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<TrainError, TrainError> {
        if let TrainError::NotFinite(found) = &error
            && !matches!(found.kind, NotFiniteKind::Update(_))
        {
            self.save_at_last(run, false, control, on_event)?;
        }
        Ok(error)
    }

    fn step(&mut self, batch: &Batch, control: &Control, on_event: &mut dyn FnMut(&Event)) -> Result<(), TrainError> {
        let start = Instant::now();
        let lr = self.learner.descent.lr(self.done, self.clock);
        if !self.begun {
            if let Some(refresher) = &self.refresher {
                refresher.apply(self.done, self.clock, &mut self.learner, &self.loader, control, on_event)?;
            }
            self.learner.prepare(self.done)?;
            self.begun = true;
        }
        let (losses, fault) = self.learner.losses_of(self.done, batch)?;
        let skipped = fault.is_some();
        match fault {
            None => {
                self.learner.update(self.done)?;
                self.journal.in_a_row = 0;
                self.warn_of_standstill(on_event);
            }
            Some(kind) => self.skip(kind, batch, on_event)?,
        }
        (self.done, self.begun) = (self.done + 1, false);
        self.images += batch.index.len() as u64;
        self.watch.lap(start, batch.index.len());
        self.journal.loss(if skipped { f64::NAN } else { losses.total });
        on_event(&Event::Step(self.report(&losses, lr, skipped)));
        if !skipped {
            self.watch_expectations(&losses, on_event);
        }
        Ok(())
    }

    /// Leaves a step out that is not finite, if the recipe wants that.
    fn skip(&mut self, kind: NotFiniteKind, batch: &Batch, on_event: &mut dyn FnMut(&Event)) -> Result<(), TrainError> {
        let skips = self.setup.recipe.train.skips;
        if !skips || self.journal.in_a_row + 1 >= MOST_SKIPPED {
            return Err(self.learner.explain(kind, self.done, batch)?.into());
        }
        if self.journal.skipped == 0 {
            let found = self.learner.explain(kind, self.done, batch)?;
            let message = format!("{found}: its update is left out, as those of further such steps");
            self.warn(message, found.span, on_event);
        }
        (self.journal.skipped, self.journal.in_a_row) = (self.journal.skipped + 1, self.journal.in_a_row + 1);
        Ok(())
    }

    /// What is due between two steps.
    fn pauses(
        &mut self,
        run: &dyn Place,
        control: &Control,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<(), TrainError> {
        let recipe = self.setup.recipe;
        if self.clock.due(self.done, recipe.evaluate.every) {
            self.look(run, on_event)?;
        }
        let planned = self.clock.due(self.done, recipe.train.checkpoint);
        if (planned || control.saves()) && self.done < self.clock.steps {
            self.save_on_the_way(run, planned, on_event)?;
        }
        Ok(())
    }

    fn report(&self, losses: &Losses, lr: f64, skipped: bool) -> Step {
        let terms = self.learner.terms().map(str::to_owned).zip(losses.terms.iter().copied());
        Step {
            step: self.done,
            epoch: self.clock.epochs(self.done),
            loss: losses.total,
            terms: terms.collect(),
            lr,
            skipped,
            images_per_second: self.watch.rate(),
            seconds: self.watch.seconds(),
        }
    }

    fn look(&mut self, run: &dyn Place, on_event: &mut dyn FnMut(&Event)) -> Result<(), TrainError> {
        let Some(judge) = &mut self.judge else { return Ok(()) };
        let measures = judge.look(&mut self.learner.store)?;
        self.watch.pause();
        let (epoch, seconds) = (self.clock.epochs(self.done), self.watch.seconds());
        self.journal.look(self.done, epoch, seconds, measures.clone());
        on_event(&Event::Evaluated { step: self.done, epoch, seconds, measures: measures.clone() });
        self.keep_best(run, &measures, on_event)
    }

    /// What learns.
    pub fn learner(&mut self) -> &mut Learner {
        &mut self.learner
    }

    /// What it trains.
    pub fn recipe(&self) -> &Recipe {
        self.setup.recipe
    }

    /// Steps done, in this run and in those before.
    pub fn done(&self) -> usize {
        self.done
    }

    /// Seconds spent on training, in this run and in those before.
    pub fn seconds(&self) -> f64 {
        self.watch.seconds()
    }

    /// Samples trained on, in this run and in those it goes on with.
    pub fn images(&self) -> u64 {
        self.images
    }

    /// What it has learnt of itself.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The length of the training, and of an epoch.
    pub fn clock(&self) -> Clock {
        self.clock
    }
}

/// How the views of a recipe are made.
pub fn view_specs(recipe: &Recipe) -> Vec<ViewSpec> {
    let spec = |v: &crate::check::View| ViewSpec {
        name: v.name.clone(),
        from: v.from,
        column: v.column,
        steps: v.steps.clone(),
        frame: Some(recipe.frame),
        norm: recipe.norm.clone(),
    };
    recipe.views.iter().map(spec).collect()
}
