//! Checkpoints: everything a training needs to go on to the bit, as one safetensors file that is written whole or not at all.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use super::kept::{ENCODER, SEED, TEXTS, Texts};
use super::sealed::{is_whole, sealed};
use super::{Clock, Journal, Learner, TrainError};
use crate::check::{Encoder, Recipe};
use crate::data::PREPROCESS;
use crate::exec::Memory;
use crate::report::write_atomically;
use crate::source::read_file;

/// The latest state of a training, in the folder of its run.
pub fn last_checkpoint(run: &Path) -> PathBuf {
    run.join("checkpoints").join("last.safetensors")
}

/// The trained encoder alone, under the names PyTorch gives its parameters, in the folder of its run; or that of its best checkpoint.
pub fn encoder_file(run: &Path, best: bool) -> PathBuf {
    run.join("checkpoints").join(if best { "best-encoder.safetensors" } else { "encoder.safetensors" })
}

/// A checkpoint read back.
pub struct Checkpoint {
    /// How far the training had come.
    pub progress: Progress,
    tensors: HashMap<String, Tensor>,
    path: PathBuf,
}

/// How far a training has come, besides its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Whether what comes before the forward pass of the next step has been done, too.
    pub begun: bool,
    /// Seconds spent on steps.
    pub seconds: f64,
    /// Samples trained on, counting repetitions.
    pub images: u64,
    /// The length of the training, and of an epoch.
    pub clock: Clock,
    /// The seed from which first values were drawn.
    pub seed: u64,
    /// The vector instructions it was computed by.
    pub kernels: String,
    /// The recipe as one text.
    pub recipe: String,
    /// For parameters whose optimizer began later than the training: at which step.
    pub since: BTreeMap<String, usize>,
    /// What it has learnt of itself.
    pub journal: Journal,
}

/// What a branch of a run found in its checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Parameters and states that are not there, or of another shape, and so start anew.
    pub fresh: Vec<String>,
    /// Parameters whose optimizer starts anew.
    pub optimizers: Vec<String>,
}

/// What the header of a checkpoint says it is: the name of the format, then its version.
pub(super) const FORMAT: &str = "sslrun checkpoint";
const VERSION: &str = "3";

impl Checkpoint {
    /// Reads a checkpoint; an error names the file.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let explain = |e: &dyn std::fmt::Display| file_error("cannot read", path, e);
        let bytes = read_file(path).map_err(|e| explain(&e))?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| explain(&e))?;
        let said = |key: &str| header.metadata().as_ref().and_then(|m| m.get(key)).map_or("", String::as_str);
        match said("format").strip_prefix(FORMAT).map(str::trim) {
            Some(VERSION) => {}
            Some(version) => {
                let message = format!(
                    "it is a checkpoint of version {version}, this sslrun reads version {VERSION}; go on with the sslrun that wrote it"
                );
                return Err(explain(&message));
            }
            None => return Err(explain(&"it is not a checkpoint of sslrun")),
        }
        if is_whole(&bytes) != Some(true) {
            return Err(explain(&"it is damaged: it is not what was written"));
        }
        let progress = ron::from_str(said("progress")).map_err(|e| explain(&e))?;
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).map_err(|e| explain(&e))?;
        Ok(Self { progress, tensors, path: path.to_owned() })
    }

    /// Puts a learner of the same recipe where the checkpoint was taken.
    pub fn restore(&self, learner: &mut Learner) -> Result<(), TrainError> {
        let explain = |e: &dyn std::fmt::Display| file_error("cannot go on from", &self.path, e);
        learner.memory.load(&self.tensors).map_err(|e| explain(&e))?;
        for slot in learner.descent.slots_mut() {
            let key = slot.key();
            let tensor = self.tensors.get(&key).ok_or_else(|| explain(&format!("there is no `{key}`")))?;
            let saved = numbers(tensor).map_err(|e| explain(&e))?;
            if saved.len() != slot.values.len() {
                let (has, wants) = (saved.len(), slot.values.len());
                return Err(explain(&format!("`{key}` has {has} numbers instead of {wants}")));
            }
            slot.values.copy_from_slice(&saved);
        }
        learner.descent.began(&self.progress.since);
        Ok(())
    }

    /// Gives a learner of another recipe what of the checkpoint fits it. Optimizers go on where the parameter has the same one, if
    /// `moving`; those of other parameters begin at `step`.
    pub fn branch(&self, learner: &mut Learner, moving: bool, step: usize) -> Result<Taken, TrainError> {
        let explain = |e: &dyn std::fmt::Display| file_error("cannot start from", &self.path, e);
        let mut taken = Taken::default();
        let mine: Vec<(String, Vec<usize>)> =
            learner.memory.iter().map(|(name, tensor)| (name.to_owned(), tensor.dims().to_vec())).collect();
        for (name, shape) in &mine {
            match self.tensors.get(name).filter(|tensor| tensor.dims() == shape.as_slice()) {
                Some(tensor) => {
                    let values = numbers(tensor).map_err(|e| explain(&e))?;
                    learner.memory.with_mut(name, |mine| mine.copy_from_slice(&values));
                }
                None => taken.fresh.push(name.clone()),
            }
        }
        if taken.fresh.len() == mine.len() {
            return Err(explain(&"nothing in it has the name and shape of something in the recipe"));
        }
        let mut since = self.progress.since.clone();
        for slot in learner.descent.slots_mut() {
            let found = self.tensors.get(&slot.key()).filter(|t| moving && t.elem_count() == slot.values.len());
            match found {
                Some(tensor) => slot.values.copy_from_slice(&numbers(tensor).map_err(|e| explain(&e))?),
                None if !taken.optimizers.contains(&slot.name) => {
                    since.insert(slot.name.clone(), step);
                    taken.optimizers.push(slot.name);
                }
                None => {}
            }
        }
        learner.descent.began(&since);
        Ok(taken)
    }

    /// Puts a memory of the same recipe where the checkpoint was taken.
    pub fn restore_memory(&self, memory: &mut Memory) -> Result<(), TrainError> {
        memory.load(&self.tensors).map_err(|e| file_error("cannot use", &self.path, &e))
    }
}

/// The state of a learner as the bytes of a checkpoint, unless a parameter or state is not finite: then the answer is `None`.
pub fn contents(learner: &Learner, recipe: &Recipe, progress: &Progress) -> Result<Option<Vec<u8>>, TrainError> {
    let explain = |e: &dyn std::fmt::Display| TrainError::File(format!("cannot write a checkpoint: {e}"));
    let mut tensors = learner.memory.to_map()?;
    if !tensors.values().all(finite) {
        return Ok(None);
    }
    for slot in learner.descent.slots() {
        let tensor = Tensor::from_slice(slot.values, slot.values.len(), &Device::Cpu).map_err(|e| explain(&e))?;
        tensors.insert(slot.key(), tensor);
    }
    let seed = progress.seed;
    let progress = ron::to_string(progress).map_err(|e| explain(&e))?;
    let mut said = applied(recipe, recipe.evaluate.encoder.as_ref(), seed)?;
    said.extend([("format", format!("{FORMAT} {VERSION}")), ("progress", progress)]);
    bytes_of(tensors.iter(), said).map(Some).map_err(|e| explain(&e))
}

/// Writes an encoder's parameters and running statistics into a file, each under its path within the encoder.
pub fn save_encoder(
    memory: &Memory,
    recipe: &Recipe,
    encoder: &Encoder,
    seed: u64,
    path: &Path,
) -> Result<(), TrainError> {
    let names = encoder.graph.params.iter().map(|p| &p.name).chain(encoder.graph.states.iter().map(|s| &s.name));
    let within = |name: &String| Some((within(name, &encoder.path).to_owned(), memory.get(name)?));
    let mut said = applied(recipe, Some(encoder), seed)?;
    said.push(("format", "pt".to_owned()));
    let bytes = bytes_of(names.filter_map(within), said).map_err(|e| file_error("cannot write", path, &e))?;
    put(path, &bytes)
}

/// The name of a tensor within an encoder; of one that belongs to no branch, its own.
pub(super) fn within<'n>(name: &'n str, encoder: &str) -> &'n str {
    name.strip_prefix(encoder).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name)
}

/// All that is needed to apply an encoder, as a header says it: how pictures are prepared, the texts of the recipe, and where in it the
/// encoder stands.
fn applied(recipe: &Recipe, encoder: Option<&Encoder>, seed: u64) -> Result<Vec<(&'static str, String)>, TrainError> {
    let Some(encoder) = encoder else { return Ok(Vec::new()) };
    let json = |e: serde_json::Error| TrainError::File(format!("cannot write down what an encoder is: {e}"));
    let prepared = serde_json::to_string(&encoder.preprocess()?.stored()).map_err(json)?;
    Ok(vec![
        (PREPROCESS, prepared),
        (ENCODER, encoder.path.clone()),
        (TEXTS, serde_json::to_string(&Texts::of(recipe)).map_err(json)?),
        (SEED, seed.to_string()),
    ])
}

fn bytes_of<'a, S: AsRef<str> + Ord + std::fmt::Display>(
    tensors: impl Iterator<Item = (S, &'a Tensor)>,
    said: Vec<(&'static str, String)>,
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    sealed(safetensors::serialize(tensors, None)?, said.into_iter().collect())
}

/// Writes a file of the folder of checkpoints, whole or not at all.
pub fn put(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    // The folder of the run itself is not made again where it is gone.
    match path.parent().map_or(Ok(()), std::fs::create_dir) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(file_error("cannot write", path, &e)),
        _ => {}
    }
    write_atomically(path, bytes).map_err(TrainError::File)
}

fn numbers(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1::<f32>()
}

fn finite(tensor: &Tensor) -> bool {
    numbers(tensor).is_ok_and(|values| crate::kernels::finite(&values))
}

fn file_error(doing: &str, path: &Path, reason: &dyn std::fmt::Display) -> TrainError {
    TrainError::File(format!("{doing} {}: {reason}", path.display()))
}
