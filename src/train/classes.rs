//! The linear classifier of an encoder's features, kept with the run that it judged.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};

use super::TrainError;
use crate::eval::LinearClassifier;
use crate::report::write_atomically;
use crate::source::read_file;

/// A classifier, and the names of its classes.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownClasses {
    /// The classifier.
    pub classifier: LinearClassifier,
    /// The names of classes, by label.
    pub classes: Vec<String>,
    /// The path of the stage whose features it takes.
    pub of: String,
}

/// What its file is called.
const NAME: &str = "linear.safetensors";

/// Where a run keeps it.
pub fn classifier_file(run: &Path) -> PathBuf {
    run.join("checkpoints").join(NAME)
}

impl KnownClasses {
    /// Writes it as the tensors of a linear layer: `weight` `[classes, dim]` and `bias` `[classes]`, minus infinity for classes that it
    /// has not seen.
    pub fn save(&self, run: &Path) -> Result<(), TrainError> {
        let path = classifier_file(run);
        let failed = |e: &dyn std::fmt::Display| TrainError::File(format!("cannot write {}: {e}", path.display()));
        let LinearClassifier { weight, bias, dim } = &self.classifier;
        let (dim, classes) = (*dim, bias.len());
        let turned = (0..classes).flat_map(|class| weight.iter().skip(class).step_by(classes.max(1)));
        let bytes = |values: &mut dyn Iterator<Item = &f32>| values.flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        let (weight, bias) = (bytes(&mut turned.take(classes * dim)), bytes(&mut bias.iter()));
        let names = serde_json::to_string(&self.classes).map_err(|e| failed(&e))?;
        let said = HashMap::from([("classes".to_owned(), names), ("encoder".to_owned(), self.of.clone())]);
        let weight = TensorView::new(Dtype::F32, vec![classes, dim], &weight).map_err(|e| failed(&e))?;
        let bias = TensorView::new(Dtype::F32, vec![classes], &bias).map_err(|e| failed(&e))?;
        let file = serialize([("weight", weight), ("bias", bias)], Some(said)).map_err(|e| failed(&e))?;
        write_atomically(&path, &file).map_err(TrainError::File)
    }

    /// Reads what a run keeps, or what lies beside the file of an encoder.
    pub fn read(run: &Path) -> Result<Self, TrainError> {
        let path = match run.is_file() {
            true => run.with_file_name(NAME),
            false => classifier_file(run),
        };
        let failed = |e: &dyn std::fmt::Display| TrainError::File(format!("cannot use {}: {e}", path.display()));
        let bytes = read_file(&path).map_err(|e| failed(&e))?;
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| failed(&e))?;
        let said = |key: &str| header.metadata().as_ref().and_then(|m| m.get(key)).cloned();
        let classes: Vec<String> =
            serde_json::from_str(&said("classes").unwrap_or_default()).map_err(|e| failed(&e))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|e| failed(&e))?;
        let (weight, shape) = numbers(&tensors, "weight").map_err(|e| failed(&e))?;
        let (bias, _) = numbers(&tensors, "bias").map_err(|e| failed(&e))?;
        let &[known, dim] = &shape[..] else { return Err(failed(&"`weight` has not two dimensions")) };
        if bias.len() != known || known > classes.len() || dim == 0 {
            return Err(failed(&"its tensors do not go together"));
        }
        let turned = (0..dim).flat_map(|d| weight.iter().skip(d).step_by(dim)).copied().collect();
        let classifier = LinearClassifier { weight: turned, bias, dim };
        Ok(Self { classifier, classes, of: said("encoder").unwrap_or_default() })
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
