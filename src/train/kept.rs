//! An encoder in one file, as a run keeps it: a checkpoint, or the encoder alone. Either says all that is needed to apply it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use super::checkpoint::{FORMAT, within};
use super::sealed::is_whole;
use super::{Checkpoint, TrainError};
use crate::check::{Encoder, Recipe};
use crate::exec::Memory;
use crate::source::read_file;

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
        let bytes = read_file(path).map_err(|e| unusable(path, &e))?;
        let said = header(path, &bytes)?;
        let Some(texts) = said.get(TEXTS) else {
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
    Alone { path: PathBuf, of: String, tensors: HashMap<String, Tensor> },
}

impl KeptEncoder {
    /// Reads a file that a run has written; an error names it.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let failed = |e: &dyn std::fmt::Display| unusable(path, e);
        let bytes = read_file(path).map_err(|e| failed(&e))?;
        let said = header(path, &bytes)?;
        if said.get("format").is_some_and(|format| format.starts_with(FORMAT)) {
            return Checkpoint::read(path).map(Self::from);
        }
        let seed = said.get(SEED).and_then(|seed| seed.parse().ok());
        let (Some(of), Some(seed)) = (said.get(ENCODER).cloned(), seed) else {
            return Err(failed(&"it does not say which encoder it is"));
        };
        if is_whole(&bytes) != Some(true) {
            return Err(failed(&"it is damaged: it is not what was written"));
        }
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).map_err(|e| failed(&e))?;
        Ok(Self { seed, weights: Weights::Alone { path: path.to_owned(), of, tensors } })
    }

    /// Whether it holds no weights but those of the encoder.
    pub fn is_alone(&self) -> bool {
        matches!(self.weights, Weights::Alone { .. })
    }

    /// Gives an encoder its weights.
    pub fn restore(&self, memory: &mut Memory, encoder: &Encoder) -> Result<(), TrainError> {
        let (path, of, tensors) = match &self.weights {
            Weights::Whole(whole) => return whole.restore_memory(memory),
            Weights::Alone { path, of, tensors } => (path, of, tensors),
        };
        if *of != encoder.path {
            let message = format!("it holds `{of}` alone; `{}` is in the checkpoint of its run", encoder.path);
            return Err(unusable(path, &message));
        }
        let names: Vec<String> = memory.iter().map(|(name, _)| name.to_owned()).collect();
        let found = names.into_iter().filter_map(|name| {
            let tensor = tensors.get(within(&name, of))?.clone();
            Some((name, tensor))
        });
        memory.load(&found.collect()).map_err(|e| unusable(path, &e))
    }
}

impl From<Checkpoint> for KeptEncoder {
    fn from(whole: Checkpoint) -> Self {
        Self { seed: whole.progress.seed, weights: Weights::Whole(Box::new(whole)) }
    }
}

/// What the header of a safetensors file says.
fn header(path: &Path, bytes: &[u8]) -> Result<HashMap<String, String>, TrainError> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| unusable(path, &e))?;
    Ok(header.metadata().clone().unwrap_or_default())
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> TrainError {
    TrainError::File(format!("cannot use {}: {reason}", path.display()))
}
