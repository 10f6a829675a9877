//! Checkpoints: everything a training needs to go on to the bit, as one safetensors file that is written whole or not at all.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use safetensors::SafeTensors;

use super::{Learner, TrainError};
use crate::check::Encoder;
use crate::exec::Memory;
use crate::report::write_atomically;

/// The latest state of a training, in the folder of its run.
pub fn last_checkpoint(run: &Path) -> PathBuf {
    run.join("checkpoints").join("last.safetensors")
}

/// The trained encoder alone, under the names PyTorch gives its parameters, in the folder of its run.
pub fn encoder_file(run: &Path) -> PathBuf {
    run.join("checkpoints").join("encoder.safetensors")
}

/// A checkpoint read back.
pub struct Checkpoint {
    /// Steps done.
    pub step: usize,
    /// Seconds spent on them.
    pub seconds: f64,
    tensors: HashMap<String, Tensor>,
    path: PathBuf,
}

/// What the header of a checkpoint says it is.
const FORMAT: &str = "sslrun checkpoint 1";

impl Checkpoint {
    /// Reads a checkpoint; an error names the file.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let explain = |e: &dyn std::fmt::Display| file_error("cannot read", path, e);
        let bytes = std::fs::read(path).map_err(|e| explain(&e))?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| explain(&e))?;
        let said = |key: &str| header.metadata().as_ref().and_then(|m| m.get(key)).map_or("", String::as_str);
        if said("format") != FORMAT {
            return Err(explain(&"it is not a checkpoint of this version of sslrun"));
        }
        let step = said("step").parse().map_err(|e| explain(&e))?;
        let seconds = said("seconds").parse().map_err(|e| explain(&e))?;
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).map_err(|e| explain(&e))?;
        Ok(Self { step, seconds, tensors, path: path.to_owned() })
    }

    /// Puts a learner of the same recipe where the checkpoint was taken.
    pub fn restore(&self, learner: &mut Learner) -> Result<(), TrainError> {
        let explain = |e: &dyn std::fmt::Display| file_error("cannot go on from", &self.path, e);
        learner.memory.load(&self.tensors).map_err(|e| explain(&e))?;
        for (name, slot, values) in learner.descent.slots_mut() {
            let key = slot_key(name, slot);
            let tensor = self.tensors.get(&key).ok_or_else(|| explain(&format!("there is no `{key}`")))?;
            let saved = tensor.flatten_all().and_then(|t| t.to_vec1::<f32>()).map_err(|e| explain(&e))?;
            if saved.len() != values.len() {
                return Err(explain(&format!("`{key}` has {} numbers instead of {}", saved.len(), values.len())));
            }
            values.copy_from_slice(&saved);
        }
        Ok(())
    }

    /// Puts a memory of the same recipe where the checkpoint was taken.
    pub fn restore_memory(&self, memory: &mut Memory) -> Result<(), TrainError> {
        memory.load(&self.tensors).map_err(|e| file_error("cannot use", &self.path, &e))
    }
}

/// Writes the state of a learner after `step` steps to a run's folder, unless a parameter is not finite: then the last
/// good checkpoint stays, and the answer is `None`.
pub fn save(learner: &Learner, run: &Path, step: usize, seconds: f64) -> Result<Option<PathBuf>, TrainError> {
    let path = last_checkpoint(run);
    let explain = |e: &dyn std::fmt::Display| file_error("cannot write", &path, e);
    let mut tensors = learner.memory.to_map()?;
    if !tensors.values().all(finite) {
        return Ok(None);
    }
    for (name, slot, values) in learner.descent.slots() {
        let tensor = Tensor::from_slice(values, values.len(), &Device::Cpu).map_err(|e| explain(&e))?;
        tensors.insert(slot_key(name, slot), tensor);
    }
    let said = [("format", FORMAT.to_owned()), ("step", step.to_string()), ("seconds", seconds.to_string())];
    write(&path, tensors.iter(), said)?;
    Ok(Some(path))
}

/// Writes an encoder's parameters and running statistics to a run's folder, each under its path within the encoder.
pub fn save_encoder(memory: &Memory, encoder: &Encoder, run: &Path) -> Result<PathBuf, TrainError> {
    let path = encoder_file(run);
    let names = encoder.graph.params.iter().map(|p| &p.name).chain(encoder.graph.states.iter().map(|s| &s.name));
    let within = |name: &String| {
        let inner = name.strip_prefix(encoder.path.as_str()).and_then(|rest| rest.strip_prefix('.'));
        Some((inner.unwrap_or(name).to_owned(), memory.get(name)?))
    };
    write(&path, names.filter_map(within), [("format", "pt".to_owned())])?;
    Ok(path)
}

fn write<'a, S: AsRef<str> + Ord + std::fmt::Display>(
    path: &Path,
    tensors: impl Iterator<Item = (S, &'a Tensor)>,
    said: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<(), TrainError> {
    let said = said.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let bytes = safetensors::serialize(tensors, Some(said)).map_err(|e| file_error("cannot write", path, &e))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| file_error("cannot make", folder, &e))?;
    }
    write_atomically(path, &bytes).map_err(TrainError::File)
}

fn finite(tensor: &Tensor) -> bool {
    let sum = tensor.sum_all().and_then(|sum| sum.to_scalar::<f32>());
    sum.is_ok_and(f32::is_finite)
}

fn slot_key(name: &str, slot: usize) -> String {
    format!("optimizer.{slot}/{name}")
}

fn file_error(doing: &str, path: &Path, reason: &dyn std::fmt::Display) -> TrainError {
    TrainError::File(format!("{doing} {}: {reason}", path.display()))
}
