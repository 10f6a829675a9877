//! The classifiers by which an encoder was judged, kept with the run: of its features as they are, or with the encoder as it was tuned.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::TrainError;
use crate::eval::LinearClassifier;
use crate::exec::Store;
use crate::report::write_through;
use crate::tensors::{Contents, Tensor, TensorFile};

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
        let turned: Vec<f32> = turned.take(classes * dim).copied().collect();
        let names = serde_json::to_string(&self.classes).map_err(|e| failed(&e))?;
        let said = BTreeMap::from([("classes", names), ("encoder", self.of.clone())]);
        let mut tensors =
            vec![Tensor::single(WEIGHT, &[classes, dim], &turned), Tensor::single(BIAS, &[classes], bias)];
        let tuned = &self.learnt.encoder;
        tensors.extend(tuned.iter().map(|tensor| Tensor::single(&tensor.name, &tensor.shape, &tensor.values)));
        let contents = Contents::new(tensors, &said).map_err(|e| failed(&e))?;
        write_through(path, &|out| contents.write(out)).map_err(TrainError::File)
    }

    /// Reads what a run keeps.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let failed = |e: &dyn std::fmt::Display| TrainError::File(format!("cannot use {}: {e}", path.display()));
        let file = TensorFile::open(path).map_err(|e| failed(&e))?;
        let said = |key: &str| file.said(key).unwrap_or_default();
        let classes: Vec<String> = serde_json::from_str(said("classes")).map_err(|e| failed(&e))?;
        let mut tensors = file.numbers().map_err(|e| failed(&e))?;
        let mut values = |name: &str| tensors.values(name).map_err(|e| failed(&e));
        let (weight, bias) = (values(WEIGHT)?, values(BIAS)?);
        let Some(&[known, dim]) = file.shape(WEIGHT) else { return Err(failed(&"`weight` has not two dimensions")) };
        if bias.len() != known || known > classes.len() || dim == 0 {
            return Err(failed(&"its tensors do not go together"));
        }
        let turned = (0..dim).flat_map(|d| weight.iter().skip(d).step_by(dim)).copied().collect();
        let classifier = LinearClassifier { weight: turned, bias, dim };
        let mut encoder = Vec::new();
        for name in file.names().filter(|name| ![WEIGHT, BIAS].contains(name)) {
            let shape = file.shape(name).unwrap_or_default().to_vec();
            encoder.push(TunedTensor { name: name.to_owned(), shape, values: values(name)? });
        }
        Ok(Self { learnt: Learnt { classifier, encoder }, classes, of: said("encoder").to_owned() })
    }

    /// Puts an encoder into the state in which it was tuned; an error names what it lacks or has in another shape.
    pub fn tune(&self, store: &mut Store) -> Result<(), TrainError> {
        for TunedTensor { name, shape, values } in &self.learnt.encoder {
            match store.find(name).filter(|mine| store.shape(*mine) == shape.as_slice()) {
                Some(mine) => store.get_mut(mine).copy_from_slice(values),
                None => {
                    let message = format!("the encoder was tuned with `{name}` of {shape:?}, and has none such");
                    return Err(TrainError::File(message));
                }
            }
        }
        Ok(())
    }
}
