//! How fast a recipe trains on this machine.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Checked, Failure, need, open};
use crate::data::{Access, DataError, Pace, Split, open as open_data, pace};
use crate::exec::EngineKind;
use crate::train::{Setup, StepTime, Timing, TrainError, view_specs};

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Trial {
    /// When the program was asked: the time to the first step counts from here.
    pub asked: Instant,
    /// Steps that are timed, of each kind.
    pub steps: usize,
    /// Steps before these.
    pub warm: usize,
    /// What is measured.
    pub parts: Vec<Part>,
    /// By which engine.
    pub engine: EngineKind,
    /// How files of pictures are read.
    pub access: Access,
    /// Threads that make batches; as many as there are cores where left out.
    pub threads: Option<usize>,
}

/// A part of a training that can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Steps on views that stay in memory.
    Step,
    /// Steps whose views are made beside them.
    Loop,
    /// Reading pictures, decoding them and making views, on one thread.
    Data,
}

impl Part {
    /// All parts.
    pub const ALL: [Part; 3] = [Part::Step, Part::Loop, Part::Data];
}

/// What was measured. Times are in seconds, those of steps in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Measured {
    /// Samples a step.
    pub batch: usize,
    /// Numbers that are trained.
    pub parameters: u64,
    /// From the start of the program to the end of the first step.
    pub first_step: f64,
    /// Steps on views in memory.
    pub step: Vec<f64>,
    /// The part of these in which the optimizer and the averages of parameters worked.
    pub update: Vec<f64>,
    /// The part of these that belongs to no kernel, no optimizer and no average: interpretation. Empty where the engine cannot tell.
    pub outside: Vec<f64>,
    /// Steps with the data pipeline.
    pub looped: Vec<f64>,
    /// Samples a second, all views of each, that one thread makes.
    pub samples_a_second: Option<f64>,
    /// Pictures a second that one thread reads, where they are read when they are needed.
    pub read_a_second: Option<f64>,
    /// Bytes of each.
    pub bytes_a_picture: Option<f64>,
    /// Pictures a second that one thread decodes once they are read, or draws.
    pub decoded_a_second: Option<f64>,
    /// Pictures a second of which one thread makes all views once they are decoded.
    pub augmented_a_second: Option<f64>,
    /// What a step waits for.
    pub held_up_by: Option<HeldUpBy>,
    /// The most memory that was held up to the last step, in bytes; on Linux alone.
    pub peak: Option<u64>,
}

/// What takes the longest of what a step and its batch need at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HeldUpBy {
    /// The computation: a batch is ready when the step before it is done.
    Computing,
    /// Reading pictures.
    Reading,
    /// Decoding or drawing them.
    Decoding,
    /// Making views of them.
    Augmenting,
}

/// How long views are made to measure their pace.
const MAKING: Duration = Duration::from_millis(1500);
/// What takes less is nothing to be told of: a picture in memory is lent, and not decoded.
const SHORTEST: f64 = 2e-6;
/// Steps by which it is told how long one takes, where nobody asked for them.
const FEW: usize = 2;

/// Measures a checked recipe. Branches that another recipe trains start from their first values: they cost the same.
pub fn bench(trial: &Trial, checked: &Checked) -> Result<Measured, Failure> {
    let recipe = checked.recipe.as_ref().ok_or_else(|| Failure::usage("the recipe has errors"))?;
    let explain = |error: TrainError| Failure::of_training(&error, &checked.sources);
    let data = open(recipe, &trial.access).map_err(explain)?.splits;
    need::fits(recipe)?;
    let setup = Setup { recipe, data, engine: trial.engine, threads: trial.threads };
    let mut timing = Timing::new(&setup).map_err(explain)?;
    let mut measured = Measured {
        batch: recipe.train.batch,
        parameters: timing.parameters(),
        first_step: trial.asked.elapsed().as_secs_f64(),
        ..Measured::default()
    };
    measured.fill(trial, &mut timing).map_err(explain)?;
    if trial.parts.contains(&Part::Data) {
        let wrong = |error: DataError| explain(error.into());
        // Pictures that are kept would be decoded once only.
        let access = Access { cache: 0, ..trial.access };
        let pictures = open_data(&recipe.data, Split::Train, &access).map_err(wrong)?;
        let pace = pace(&*pictures, &view_specs(recipe), recipe.train.seed, MAKING).map_err(wrong)?;
        let step = match median(&measured.step) {
            Some(step) => step,
            None => {
                median(&timing.steps(FEW).map_err(explain)?.iter().map(|t| t.whole).collect::<Vec<_>>()).unwrap_or(0.0)
            }
        };
        measured.take(&pace, step, trial.threads);
    }
    Ok(measured)
}

impl Measured {
    fn fill(&mut self, trial: &Trial, timing: &mut Timing) -> Result<(), TrainError> {
        let wants = |part| trial.parts.contains(&part);
        if wants(Part::Step) {
            timing.steps(trial.warm)?;
            let times = timing.steps(trial.steps)?;
            let each = |part: fn(&StepTime) -> f64| times.iter().map(part).collect::<Vec<f64>>();
            (self.step, self.update) = (each(|t| t.whole), each(|t| t.update));
            if times.iter().all(|t| t.kernels > 0.0) {
                self.outside = each(|t| t.whole - t.update - t.kernels);
            }
        }
        if wants(Part::Loop) {
            self.looped = timing.looped(trial.warm, trial.steps)?;
        }
        self.peak = crate::system::peak();
        if wants(Part::Data) {
            self.samples_a_second = Some(timing.samples_a_second(MAKING)?);
        }
        Ok(())
    }

    /// Takes in how fast pictures come, beside steps of so many seconds.
    fn take(&mut self, pace: &Pace, step: f64, threads: Option<usize>) {
        let rate = |seconds: f64| (seconds > SHORTEST).then(|| 1.0 / seconds);
        self.read_a_second = pace.read.and_then(rate);
        self.bytes_a_picture = pace.read.map(|_| pace.bytes);
        (self.decoded_a_second, self.augmented_a_second) = (rate(pace.decode), rate(pace.augment));
        let threads = threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()));
        let read = pace.read.unwrap_or(0.0);
        let batch = (read + pace.decode + pace.augment) * self.batch as f64 / threads.max(1) as f64;
        let parts =
            [(read, HeldUpBy::Reading), (pace.decode, HeldUpBy::Decoding), (pace.augment, HeldUpBy::Augmenting)];
        let longest = parts.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, part)| part);
        self.held_up_by = if batch > step { longest } else { Some(HeldUpBy::Computing) };
    }

    /// The share of a step that belongs to no kernel, no optimizer and no average; the median of those measured.
    pub fn interpretation(&self) -> Option<f64> {
        median(&self.outside.iter().zip(&self.step).map(|(outside, whole)| outside / whole).collect::<Vec<_>>())
    }
}

/// The middle of some numbers; of an even count, the mean of the two in the middle.
pub fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => Some(sorted[middle]),
        _ => Some((sorted.get(middle)? + sorted.get(middle.checked_sub(1)?)?) / 2.0),
    }
}
