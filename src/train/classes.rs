//! The classifiers by which an encoder was judged, kept with the run: of its features as they are, or with the encoder as it was tuned.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};

use super::TrainError;
use crate::eval::LinearClassifier;
use crate::exec::Memory;
use crate::report::write_atomically;
use crate::source::read_file;

/// The probes whose classifiers a run keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classifying {
    /// The linear probe.
    Linear,
    /// The fine-tuning probe.
    Finetune,
}

impl Classifying {
    /// The word of the language.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Finetune => "finetune",
        }
    }
}

/// What a probe has learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct Learnt {
    /// The classifier.
    pub classifier: LinearClassifier,
    /// The encoder as the probe has tuned it; nothing where it is left as it was.
    pub encoder: Vec<TunedTensor>,
}

/// A parameter or state of an encoder that a probe has tuned.
#[derive(Clone, Debug, PartialEq)]
pub struct TunedTensor {
    /// Its path in the recipe.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers, row-major.
    pub values: Vec<f32>,
}

/// What a probe has learnt, and the names of the classes that it tells apart.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownClasses {
    /// What it has learnt.
    pub learnt: Learnt,
    /// The names of classes, by label.
    pub classes: Vec<String>,
    /// The path of the stage whose features it takes.
    pub of: String,
}

/// Where a run keeps what a probe of its last encoder has learnt, or of its best one; it lies beside the file of an encoder, too.
pub fn classifier_file(run: &Path, probe: Classifying, best: bool) -> PathBuf {
    let alone = run.is_file();
    let name = run.file_name().unwrap_or_default().to_string_lossy();
    let best = if best || alone && name.starts_with("best") { "best-" } else { "" };
    let name = format!("{best}{}.safetensors", probe.name());
    if alone { run.with_file_name(name) } else { run.join("checkpoints").join(name) }
}

/// The names of the classifier's tensors.
const WEIGHT: &str = "weight";
const BIAS: &str = "bias";

impl KnownClasses {
    /// Writes it as the tensors of a linear layer: `weight` `[classes, dim]` and `bias` `[classes]`, minus infinity for classes that it
    /// has not seen; beside them the tensors of the encoder if it was tuned.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let failed = |e: &dyn std::fmt::Display| TrainError::File(format!("cannot write {}: {e}", path.display()));
        let LinearClassifier { weight, bias, dim } = &self.learnt.classifier;
        let (dim, classes) = (*dim, bias.len());
        let turned = (0..classes).flat_map(|class| weight.iter().skip(class).step_by(classes.max(1)));
        let bytes = |values: &mut dyn Iterator<Item = &f32>| values.flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        let (weight, bias) = (bytes(&mut turned.take(classes * dim)), bytes(&mut bias.iter()));
        let names = serde_json::to_string(&self.classes).map_err(|e| failed(&e))?;
        let said = HashMap::from([("classes".to_owned(), names), ("encoder".to_owned(), self.of.clone())]);
        let encoder: Vec<Vec<u8>> = self.learnt.encoder.iter().map(|t| bytes(&mut t.values.iter())).collect();
        let mut tensors = vec![(WEIGHT, vec![classes, dim], &weight), (BIAS, vec![classes], &bias)];
        let tuned = self.learnt.encoder.iter().zip(&encoder);
        tensors.extend(tuned.map(|(tensor, bytes)| (tensor.name.as_str(), tensor.shape.clone(), bytes)));
        let views =
            tensors.into_iter().map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape, bytes)?)));
        let views = views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>().map_err(|e| failed(&e))?;
        let file = serialize(views, Some(said)).map_err(|e| failed(&e))?;
        write_atomically(path, &file).map_err(TrainError::File)
    }

    /// Reads what a run keeps.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let failed = |e: &dyn std::fmt::Display| TrainError::File(format!("cannot use {}: {e}", path.display()));
        let bytes = read_file(path).map_err(|e| failed(&e))?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| failed(&e))?;
        let said = |key: &str| header.metadata().as_ref().and_then(|m| m.get(key)).cloned();
        let classes: Vec<String> =
            serde_json::from_str(&said("classes").unwrap_or_default()).map_err(|e| failed(&e))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|e| failed(&e))?;
        let (weight, shape) = numbers(&tensors, WEIGHT).map_err(|e| failed(&e))?;
        let (bias, _) = numbers(&tensors, BIAS).map_err(|e| failed(&e))?;
        let &[known, dim] = &shape[..] else { return Err(failed(&"`weight` has not two dimensions")) };
        if bias.len() != known || known > classes.len() || dim == 0 {
            return Err(failed(&"its tensors do not go together"));
        }
        let turned = (0..dim).flat_map(|d| weight.iter().skip(d).step_by(dim)).copied().collect();
        let classifier = LinearClassifier { weight: turned, bias, dim };
        let own = |name: &&str| ![WEIGHT, BIAS].contains(name);
        let mut names: Vec<&str> = tensors.names().into_iter().filter(own).collect();
        names.sort_unstable();
        let tensor = |name: &str| {
            numbers(&tensors, name).map(|(values, shape)| TunedTensor { name: name.to_owned(), shape, values })
        };
        let encoder = names.into_iter().map(tensor).collect::<Result<Vec<_>, _>>().map_err(|e| failed(&e))?;
        Ok(Self { learnt: Learnt { classifier, encoder }, classes, of: said("encoder").unwrap_or_default() })
    }

    /// Puts an encoder into the state in which it was tuned; an error names what it lacks or has in another shape.
    pub fn tune(&self, memory: &mut Memory) -> Result<(), TrainError> {
        for TunedTensor { name, shape, values } in &self.learnt.encoder {
            if memory.get(name).is_none_or(|mine| mine.dims() != shape.as_slice()) {
                let message = format!("the encoder was tuned with `{name}` of {shape:?}, and has none such");
                return Err(TrainError::File(message));
            }
            memory.with_mut(name, |mine| mine.copy_from_slice(values));
        }
        Ok(())
    }
}

/// A tensor of 32-bit numbers and its shape.
fn numbers(tensors: &SafeTensors, name: &str) -> Result<(Vec<f32>, Vec<usize>), String> {
    let tensor = tensors.tensor(name).map_err(|e| e.to_string())?;
    if tensor.dtype() != Dtype::F32 {
        return Err(format!("`{name}` is no tensor of 32-bit numbers"));
    }
    let values = tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    Ok((values, tensor.shape().to_vec()))
}
