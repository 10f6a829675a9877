//! An encoder in one file, as a run keeps it: a checkpoint, or the encoder alone. Either says all that is needed to apply it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::checkpoint::{FORMAT, within};
use super::{Checkpoint, TrainError};
use crate::check::{Encoder, Recipe};
use crate::exec::{Source, Store};
use crate::tensors::{OpenTensors, TensorFile};

/// The key of the encoder's path in the recipe.
pub(super) const ENCODER: &str = "encoder";
/// The key of the seed from which first values were drawn.
pub(super) const SEED: &str = "seed";
/// The key of the texts.
pub(super) const TEXTS: &str = "recipe";

/// The recipe as one text, and those of the recipes that it freezes, by the names that it has for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// The recipe.
    pub recipe: String,
    /// The names and texts of others.
    pub frozen: Vec<(String, String)>,
}

impl Texts {
    pub(super) fn of(recipe: &Recipe) -> Self {
        Self { recipe: recipe.text.clone(), frozen: recipe.parts.clone() }
    }

    /// Reads them from a file that a run has written; an error names it.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let file = TensorFile::open(path).map_err(|e| unusable(path, &e))?;
        let Some(texts) = file.said(TEXTS) else {
            let message = "it does not say by which recipe it was trained: name the folder of its run instead";
            return Err(unusable(path, &message));
        };
        serde_json::from_str(texts).map_err(|e| unusable(path, &e))
    }
}

/// What a file holds of an encoder.
pub struct KeptEncoder {
    /// The seed from which first values were drawn.
    pub seed: u64,
    weights: Weights,
}

/// The numbers, by the names of the whole recipe or by those within the encoder at a path.
enum Weights {
    Whole(Box<Checkpoint>),
    Alone { file: TensorFile, of: String },
}

impl KeptEncoder {
    /// Reads what a file that a run has written says; an error names it.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let failed = |e: &dyn std::fmt::Display| unusable(path, e);
        let file = TensorFile::open(path).map_err(|e| failed(&e))?;
        if file.said("format").is_some_and(|format| format.starts_with(FORMAT)) {
            return Checkpoint::of(file).map(Self::from);
        }
        let seed = file.said(SEED).and_then(|seed| seed.parse().ok());
        let (Some(of), Some(seed)) = (file.said(ENCODER).map(str::to_owned), seed) else {
            return Err(failed(&"it does not say which encoder it is"));
        };
        if file.is_whole().map_err(|e| failed(&e))? != Some(true) {
            return Err(failed(&"it is damaged: it is not what was written"));
        }
        Ok(Self { seed, weights: Weights::Alone { file, of } })
    }

    /// Whether it holds no weights but those of the encoder.
    pub fn is_alone(&self) -> bool {
        matches!(self.weights, Weights::Alone { .. })
    }

    /// Gives an encoder its weights.
    pub fn restore(&self, store: &mut Store, encoder: &Encoder) -> Result<(), TrainError> {
        let (file, of) = match &self.weights {
            Weights::Whole(whole) => return whole.restore_store(store),
            Weights::Alone { file, of } => (file, of),
        };
        if *of != encoder.path {
            let message = format!("it holds `{of}` alone; `{}` is in the checkpoint of its run", encoder.path);
            return Err(unusable(file.path(), &message));
        }
        let tensors = file.numbers().map_err(|e| unusable(file.path(), &e))?;
        store.load(&mut Within { tensors, of }).map_err(|e| unusable(file.path(), &e))
    }
}

/// The tensors of an encoder alone, by the names of the whole recipe.
struct Within<'f> {
    tensors: OpenTensors<'f>,
    of: &'f str,
}

impl Source<f32> for Within<'_> {
    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.shape(within(name, self.of))
    }

    fn fill(&mut self, name: &str, into: &mut [f32]) -> Result<(), String> {
        self.tensors.fill(within(name, self.of), into)
    }
}

impl From<Checkpoint> for KeptEncoder {
    fn from(whole: Checkpoint) -> Self {
        Self { seed: whole.progress.seed, weights: Weights::Whole(Box::new(whole)) }
    }
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> TrainError {
    TrainError::File(format!("cannot use {}: {reason}", path.display()))
}
