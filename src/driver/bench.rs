//! How fast a recipe trains on this machine.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Checked, Failure, need, open};
use crate::data::Access;
use crate::exec::EngineKind;
use crate::train::{Setup, StepTime, Timing, TrainError};

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
    /// Making views, on one thread.
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
    /// The most memory that was held up to the last step, in bytes; on Linux alone.
    pub peak: Option<u64>,
}

/// How long views are made to measure their pace.
const MAKING: Duration = Duration::from_millis(1500);

/// Measures a checked recipe. Branches that another recipe trains start from their first values: they cost the same.
pub fn bench(trial: &Trial, checked: &Checked) -> Result<Measured, Failure> {
    let recipe = checked.recipe.as_ref().ok_or_else(|| Failure::Usage("the recipe has errors".to_owned()))?;
    let explain = |error: TrainError| Failure::of_training(error, &checked.sources);
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
