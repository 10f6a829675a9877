//! What a run has left: its encoder, judged again or applied to pictures.

use std::path::Path;
use std::sync::Arc;

use super::log::metrics;
use super::{Checked, Failure, RunFolder, check, named, open};
use crate::check::{Encoder, Recipe};
use crate::data::{self, Access, DataSet, Opened, Split, Splits};
use crate::exec::{EngineKind, Memory};
use crate::report::{Table, summary_table};
use crate::source::Sources;
use crate::train::{
    Baselines, Checkpoint, Control, Event, Extractor, Judge, Measures, Rows, TrainError, Verdict, calibrate,
    last_checkpoint,
};

/// Reads and checks the recipe of a run, with changes.
pub fn check_run(run: &Path, sets: &[String]) -> Result<Checked, Failure> {
    check(&RunFolder::open(run)?.recipe(), sets, None)
}

/// A recipe with the weights that a run has left.
pub struct Trained<'a> {
    checked: &'a Checked,
    recipe: &'a Recipe,
    encoder: &'a Encoder,
    memory: Memory,
    /// The seed from which first values were drawn.
    seed: u64,
    engine: EngineKind,
}

impl<'a> Trained<'a> {
    /// Loads the last checkpoint of a run into its checked recipe.
    pub fn load(run: &Path, checked: &'a Checked, engine: EngineKind) -> Result<Self, Failure> {
        let explain = |error: TrainError| Failure::of_training(error, &checked.sources);
        let recipe = checked.recipe.as_ref().ok_or_else(|| Failure::Usage("the recipe has errors".to_owned()))?;
        let encoder = recipe.evaluate.encoder.as_ref().ok_or_else(|| nothing_to_judge(recipe))?;
        let checkpoint = Checkpoint::read(&last_checkpoint(run)).map_err(explain)?;
        let seed = checkpoint.progress.seed;
        let size = |symbol: &str| (symbol == "N").then_some(recipe.train.batch as i64);
        let weights = recipe.evaluate.weights().ok_or_else(|| nothing_to_judge(recipe))?;
        let mut memory = Memory::new(&weights, &size, seed).map_err(|e| explain(e.into()))?;
        checkpoint.restore_memory(&mut memory).map_err(explain)?;
        Ok(Self { checked, recipe, encoder, memory, seed, engine })
    }

    /// Both splits of the recipe's data set, or of another that is named as `--data` is, to be judged by.
    pub fn data(&self, named_data: Option<&str>, access: &Access) -> Result<Opened, Failure> {
        match named_data {
            Some(spec) => {
                let config = named(&mut Sources::default(), spec)?;
                Splits::open(&config, access).map_err(|e| Failure::Run(e.to_string()))
            }
            None => open(self.recipe, access).map_err(|e| Failure::of_training(e, &self.checked.sources)),
        }
    }

    /// All pictures of the recipe's data set, or of another, to be looked through.
    pub fn pictures(&self, named_data: Option<&str>, access: &Access) -> Result<Splits, Failure> {
        let config = match named_data {
            Some(spec) => named(&mut Sources::default(), spec)?,
            None => self.recipe.data.clone(),
        };
        Splits::whole(&config, access).map_err(|e| Failure::Run(e.to_string()))
    }

    /// The recipe's probes on its encoder, beside the untrained one and raw pixels.
    pub fn judge(
        &mut self,
        data: &Splits,
        access: &Access,
        control: &Control,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Table, Failure> {
        let explain = |error: TrainError| Failure::of_training(error, &self.checked.sources);
        let judge = Judge::new(self.recipe, self.engine, data, None).map_err(explain)?;
        let mut judge = judge.ok_or_else(|| nothing_to_judge(self.recipe))?;
        let mut untrained = self.untrained(data, access).map_err(explain)?;
        let verdict = judge
            .verdict(&mut self.memory, &mut untrained, &Baselines::default(), control, on_event)
            .map_err(explain)?;
        let rows = |v: Verdict| {
            let rows = [("encoder, trained", v.trained), ("encoder, untrained", v.untrained), ("raw pixels", v.raw)];
            rows.map(|(name, measures): (_, Measures)| (name, metrics(&measures)))
        };
        let rows = rows(verdict);
        let rows: Vec<_> = rows.iter().map(|(name, metrics)| (*name, metrics.as_slice())).collect();
        Ok(summary_table("features", &rows))
    }

    /// The encoder as it was before its training, its statistics of what it was trained on; of the pictures at hand if that is gone.
    fn untrained(&self, data: &Splits, access: &Access) -> Result<Memory, TrainError> {
        let own = data::open(&self.recipe.data, Split::Train, access).map(Arc::from);
        let seen = own.unwrap_or_else(|_| data.train.clone());
        calibrate(self.recipe, self.encoder, &seen, self.engine, self.seed)
    }

    /// What is judged: a stage of a branch, by its path.
    pub fn path(&self) -> &str {
        &self.encoder.path
    }

    /// The features and labels of pictures, in their order, without those that cannot be used.
    pub fn features(&mut self, data: &Arc<dyn DataSet>, control: &Control) -> Result<Rows, Failure> {
        let explain = |error: TrainError| Failure::of_training(error, &self.checked.sources);
        let mut extractor = Extractor::new(self.encoder, self.engine).map_err(explain)?;
        extractor.rows(&mut self.memory, data, control).map_err(explain)
    }
}

fn nothing_to_judge(recipe: &Recipe) -> Failure {
    Failure::Run(format!("`{}` has no encoder to judge", recipe.title))
}
