//! What a run has left: its encoder, judged again or applied to a data set.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::log::metrics;
use super::{Checked, Failure, RunFolder, check, open};
use crate::check::{Encoder, Recipe};
use crate::data::Split;
use crate::exec::{EngineKind, Memory};
use crate::report::{Table, summary_table};
use crate::train::{Baselines, Checkpoint, Event, Extractor, Judge, Rows, Splits, TrainError, last_checkpoint, subset};

/// Reads and checks the recipe of a run, with changes.
pub fn check_run(run: &Path, sets: &[String], data: Option<&str>) -> Result<Checked, Failure> {
    check(&RunFolder::open(run)?.recipe(), sets, data)
}

/// A recipe with the weights that a run has left.
pub struct Trained<'a> {
    checked: &'a Checked,
    recipe: &'a Recipe,
    encoder: &'a Encoder,
    data: Splits,
    memory: Memory,
    engine: EngineKind,
}

impl<'a> Trained<'a> {
    /// Loads the last checkpoint of a run into its checked recipe.
    pub fn load(run: &Path, checked: &'a Checked, engine: EngineKind) -> Result<Self, Failure> {
        let explain = |error: TrainError| Failure::of_training(error, &checked.sources);
        let recipe = checked.recipe.as_ref().ok_or_else(|| Failure::Usage("the recipe has errors".to_owned()))?;
        let encoder = recipe.evaluate.encoder.as_ref().ok_or_else(|| nothing_to_judge(recipe))?;
        let checkpoint = Checkpoint::read(&last_checkpoint(run)).map_err(explain)?;
        let data = open(recipe).map_err(explain)?;
        let mut memory = fresh(recipe, encoder).map_err(explain)?;
        checkpoint.restore_memory(&mut memory).map_err(explain)?;
        Ok(Self { checked, recipe, encoder, data, memory, engine })
    }

    /// The recipe's probes on its encoder, beside the untrained one and raw pixels; nothing where `stop` was set before the end.
    pub fn judge(&mut self, stop: &AtomicBool, on_event: &mut dyn FnMut(&Event)) -> Result<Option<Table>, Failure> {
        let explain = |error: TrainError| Failure::of_training(error, &self.checked.sources);
        let judge = Judge::new(self.recipe, self.engine, &self.data, None).map_err(explain)?;
        let mut judge = judge.ok_or_else(|| nothing_to_judge(self.recipe))?;
        let mut untrained = fresh(self.recipe, self.encoder).map_err(explain)?;
        let verdict =
            judge.verdict(&mut self.memory, &mut untrained, &Baselines::default(), stop, on_event).map_err(explain)?;
        let rows = |v: crate::train::Verdict| {
            let rows = [("encoder, trained", v.trained), ("encoder, untrained", v.untrained), ("raw pixels", v.raw)];
            rows.map(|(name, measures)| (name, metrics(&measures)))
        };
        Ok(verdict.map(rows).map(|rows| {
            let rows: Vec<_> = rows.iter().map(|(name, metrics)| (*name, metrics.as_slice())).collect();
            summary_table("features", &rows)
        }))
    }

    /// The features and labels of a split, in its order.
    pub fn embed(&mut self, split: Split) -> Result<Rows, Failure> {
        let explain = |error: TrainError| Failure::of_training(error, &self.checked.sources);
        let evaluate = &self.recipe.evaluate;
        let data = match split {
            Split::Train => subset(&self.data.train, evaluate.train_samples),
            Split::Test => subset(&self.data.test, evaluate.test_samples),
        };
        let mut extractor = Extractor::new(self.encoder, self.engine).map_err(explain)?;
        extractor.rows(&mut self.memory, &data).map_err(explain)
    }
}

/// Parameters and states of the encoder as before the first step; the same as in training, as each is drawn by its name.
fn fresh(recipe: &Recipe, encoder: &Encoder) -> Result<Memory, TrainError> {
    let size = |symbol: &str| (symbol == "N").then_some(recipe.train.batch as i64);
    Ok(Memory::new(&encoder.graph, &size, recipe.train.seed)?)
}

fn nothing_to_judge(recipe: &Recipe) -> Failure {
    Failure::Run(format!("`{}` has no encoder to judge", recipe.title))
}
