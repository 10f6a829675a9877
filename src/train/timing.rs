//! How long the parts of a training take: steps on views in memory, the loop with its data, and making views alone.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::{Clock, Control, Learner, Refresher, Setup, TrainError, loader};
use crate::data::{Batch, Loader};

/// A training whose parts are timed; what it learns is thrown away.
pub struct Timing {
    loader: Loader,
    learner: Learner,
    batch: Batch,
    done: usize,
}

/// Where the time of a step went, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepTime {
    /// All of it.
    pub whole: f64,
    /// The kernels of the forward and backward pass; 0 where the engine does not measure them.
    pub kernels: f64,
    /// The optimizer and the averages of parameters.
    pub update: f64,
}

impl Timing {
    /// A training behind its first step.
    pub fn new(setup: &Setup) -> Result<Self, TrainError> {
        let train = &setup.recipe.train;
        let mut loader = loader(setup.recipe, &setup.data.train, train.batch, train.seed)?;
        if let Some(threads) = setup.threads {
            loader = loader.threads(threads);
        }
        let clock = Clock::new(train.epochs, loader.batches_per_epoch());
        let mut learner = Learner::of_samples(setup.recipe, setup.engine, clock, loader.samples())?;
        if let Some(refresher) = Refresher::new(setup.recipe, setup.engine) {
            refresher.apply(0, clock, &mut learner, &loader, &Control::default(), &mut |_| {})?;
        }
        let batch = loader.steps(0..1).next().transpose()?.unwrap_or_default();
        learner.run(0, &batch)?;
        Ok(Self { loader, learner, batch, done: 1 })
    }

    /// Times steps on a batch that stays in memory.
    pub fn steps(&mut self, count: usize) -> Result<Vec<StepTime>, TrainError> {
        let times = (0..count).map(|_| self.step()).collect();
        self.learner.engine().measure(false);
        times
    }

    fn step(&mut self) -> Result<StepTime, TrainError> {
        self.learner.engine().measure(true);
        let start = Instant::now();
        self.learner.prepare(self.done)?;
        let prepared = start.elapsed();
        self.learner.compute(self.done, &self.batch)?;
        let computed = start.elapsed();
        match self.learner.update(self.done) {
            Err(TrainError::NotFinite(_)) => {}
            other => other?,
        }
        let whole = start.elapsed();
        self.done += 1;
        let kernels = self.learner.engine().profile().iter().map(|spent| spent.seconds).sum();
        let update = prepared + (whole - computed);
        Ok(StepTime { whole: whole.as_secs_f64(), kernels, update: update.as_secs_f64() })
    }

    /// Times steps whose batches are made beside them, in seconds each. The first `warm` are not counted: the first batches
    /// were made while nothing was computed.
    pub fn looped(&mut self, warm: usize, count: usize) -> Result<Vec<f64>, TrainError> {
        let steps = self.next(warm + count);
        let (mut times, mut last) = (Vec::with_capacity(warm + count), Instant::now());
        for (step, batch) in steps.clone().zip(self.loader.steps(steps)) {
            let batch = batch?;
            self.learner.run(step, &batch)?;
            self.loader.recycle(batch);
            times.push(last.elapsed().as_secs_f64());
            last = Instant::now();
        }
        Ok(times.split_off(warm))
    }

    /// Samples a second, all views of each, that one thread makes when nothing else is to be done.
    pub fn samples_a_second(&mut self, time: Duration) -> Result<f64, TrainError> {
        let loader = self.loader.clone().threads(1);
        let mut batches = loader.steps(self.next(usize::MAX / 2));
        // The thread works ahead of what is taken: its pace shows once nothing is waiting.
        let mut take = || batches.next().transpose().map(|batch| batch.into_iter().for_each(|b| loader.recycle(b)));
        (0..WAITING).try_for_each(|_| take())?;
        let (start, mut samples) = (Instant::now(), 0);
        while samples == 0 || start.elapsed() < time {
            take()?;
            samples += self.batch.index.len();
        }
        Ok(samples as f64 / start.elapsed().as_secs_f64())
    }

    /// The numbers of the next steps.
    fn next(&self, count: usize) -> Range<usize> {
        self.done..self.done + count
    }

    /// How many numbers are trained.
    pub fn parameters(&self) -> u64 {
        self.learner.parameters()
    }
}

/// Batches that one thread may have made before the clock starts.
const WAITING: usize = 4;
