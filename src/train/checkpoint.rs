//! Checkpoints: everything a training needs to go on to the bit, as one safetensors file that is written whole or not at all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::kept::{ENCODER, SEED, TEXTS, Texts};
use super::{Clock, Journal, Learner, TrainError};
use crate::check::{Encoder, Recipe};
use crate::data::PREPROCESS;
use crate::exec::{Source, Store};
use crate::report;
use crate::tensors::{Contents, OpenTensors, Tensor, TensorFile};

/// The latest state of a training, in the folder of its run.
pub fn last_checkpoint(run: &Path) -> PathBuf {
    run.join("checkpoints").join("last.safetensors")
}

/// The trained encoder alone, under the names PyTorch gives its parameters, in the folder of its run; or that of its best checkpoint.
pub fn encoder_file(run: &Path, best: bool) -> PathBuf {
    run.join("checkpoints").join(if best { "best-encoder.safetensors" } else { "encoder.safetensors" })
}

/// A checkpoint as it lies in its file: what it says is known, its tensors are read when somebody takes them.
pub struct Checkpoint {
    /// How far the training had come.
    pub progress: Progress,
    file: TensorFile,
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
    /// Reads what a checkpoint says, and whether it is whole; an error names the file.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let explain = |e: &dyn std::fmt::Display| file_error("cannot read", path, e);
        TensorFile::open(path).map_err(|e| explain(&e)).and_then(Self::of)
    }

    /// The same for a file whose header is read.
    pub(super) fn of(file: TensorFile) -> Result<Self, TrainError> {
        let explain = |e: &dyn std::fmt::Display| file_error("cannot read", file.path(), e);
        let said = |key: &str| file.said(key).unwrap_or_default();
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
        if file.is_whole().map_err(|e| explain(&e))? != Some(true) {
            return Err(explain(&"it is damaged: it is not what was written"));
        }
        let progress = ron::from_str(said("progress")).map_err(|e| explain(&e))?;
        Ok(Self { progress, file })
    }

    /// Puts a learner of the same recipe where the checkpoint was taken.
    pub fn restore(&self, learner: &mut Learner) -> Result<(), TrainError> {
        self.load("cannot go on from", &mut learner.store)?;
        learner.descent.began(&self.progress.since);
        Ok(())
    }

    /// Puts a store of the same recipe where the checkpoint was taken.
    pub fn restore_store(&self, store: &mut Store) -> Result<(), TrainError> {
        self.load("cannot use", store)
    }

    fn load(&self, doing: &str, store: &mut Store) -> Result<(), TrainError> {
        let explain = |e: &dyn std::fmt::Display| file_error(doing, self.file.path(), e);
        let mut tensors = self.file.numbers().map_err(|e| explain(&e))?;
        store.load(&mut tensors).map_err(|e| explain(&e))
    }

    /// Gives a learner of another recipe what of the checkpoint fits it. Optimizers go on where the parameter has the same one, if
    /// `moving`; those of other parameters begin at `step`.
    pub fn branch(&self, learner: &mut Learner, moving: bool, step: usize) -> Result<Taken, TrainError> {
        let explain = |e: &dyn std::fmt::Display| file_error("cannot start from", self.file.path(), e);
        let mut taken = Taken::default();
        let fits = |name: &str, shape: &[usize]| self.file.shape(name) == Some(shape);
        let mut wanted = Vec::new();
        for mine in learner.store.of_graph() {
            match fits(mine.name, mine.shape) {
                true => wanted.push(mine.name.to_owned()),
                false => taken.fresh.push(mine.name.to_owned()),
            }
        }
        if wanted.is_empty() {
            return Err(explain(&"nothing in it has the name and shape of something in the recipe"));
        }
        let mut since = self.progress.since.clone();
        for (parameter, slot) in learner.descent.slots() {
            let slot = learner.store.buffer(slot);
            if moving && fits(slot.name, slot.shape) {
                wanted.push(slot.name.to_owned());
            } else if !taken.optimizers.iter().any(|known| known == parameter) {
                since.insert(parameter.to_owned(), step);
                taken.optimizers.push(parameter.to_owned());
            }
        }
        let mut tensors = self.file.numbers().map_err(|e| explain(&e))?;
        for name in &wanted {
            learner.store.named_mut(name).map_or(Ok(()), |mine| tensors.fill(name, mine)).map_err(|e| explain(&e))?;
        }
        learner.descent.began(&since);
        Ok(taken)
    }
}

impl Source<f32> for OpenTensors<'_> {
    fn shape(&self, name: &str) -> Option<&[usize]> {
        OpenTensors::shape(self, name)
    }

    fn fill(&mut self, name: &str, into: &mut [f32]) -> Result<(), String> {
        OpenTensors::fill(self, name, into)
    }
}

/// The state of a learner as a checkpoint that can be written.
pub fn contents<'l>(learner: &'l Learner, recipe: &Recipe, progress: &Progress) -> Result<Contents<'l>, TrainError> {
    let explain = |e: &dyn std::fmt::Display| TrainError::File(format!("cannot write a checkpoint: {e}"));
    let tensors = learner.store.iter().map(|buffer| Tensor::single(buffer.name, buffer.shape, buffer.values));
    let mut said = applied(recipe, recipe.evaluate.encoder.as_ref(), progress.seed)?;
    said.insert("format", format!("{FORMAT} {VERSION}"));
    said.insert("progress", ron::to_string(progress).map_err(|e| explain(&e))?);
    Contents::sealed(tensors.collect(), said).map_err(|e| explain(&e))
}

/// Writes an encoder's parameters and running statistics into a file, each under its path within the encoder.
pub fn save_encoder(
    store: &Store,
    recipe: &Recipe,
    encoder: &Encoder,
    seed: u64,
    path: &Path,
) -> Result<(), TrainError> {
    let names = encoder.graph.params.iter().map(|p| &p.name).chain(encoder.graph.states.iter().map(|s| &s.name));
    let within = |name: &String| {
        let buffer = store.named(name)?;
        Some(Tensor::single(within(buffer.name, &encoder.path).to_owned(), buffer.shape, buffer.values))
    };
    let mut said = applied(recipe, Some(encoder), seed)?;
    said.insert("format", "pt".to_owned());
    let contents = Contents::sealed(names.filter_map(within).collect(), said);
    put(path, &contents.map_err(|e| file_error("cannot write", path, &e))?)
}

/// The name of a tensor within an encoder; of one that belongs to no branch, its own.
pub(super) fn within<'n>(name: &'n str, encoder: &str) -> &'n str {
    name.strip_prefix(encoder).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name)
}

/// All that is needed to apply an encoder, as a header says it: how pictures are prepared, the texts of the recipe, and where in it the
/// encoder stands.
fn applied(
    recipe: &Recipe,
    encoder: Option<&Encoder>,
    seed: u64,
) -> Result<BTreeMap<&'static str, String>, TrainError> {
    let Some(encoder) = encoder else { return Ok(BTreeMap::new()) };
    let json = |e: serde_json::Error| TrainError::File(format!("cannot write down what an encoder is: {e}"));
    let prepared = serde_json::to_string(&encoder.preprocess()?.stored()).map_err(json)?;
    Ok(BTreeMap::from([
        (PREPROCESS, prepared),
        (ENCODER, encoder.path.clone()),
        (TEXTS, serde_json::to_string(&Texts::of(recipe)).map_err(json)?),
        (SEED, seed.to_string()),
    ]))
}

/// Writes a file of the folder of checkpoints, whole or not at all.
pub fn put(path: &Path, contents: &Contents) -> Result<(), TrainError> {
    put_through(path, &|out| contents.write(out))
}

/// The same for what is made while it is written.
pub fn put_through(path: &Path, contents: &report::Contents) -> Result<(), TrainError> {
    // The folder of the run itself is not made again where it is gone.
    match path.parent().map_or(Ok(()), std::fs::create_dir) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(file_error("cannot write", path, &e)),
        _ => {}
    }
    report::write_through(path, contents).map_err(TrainError::File)
}

fn file_error(doing: &str, path: &Path, reason: &dyn std::fmt::Display) -> TrainError {
    TrainError::File(format!("{doing} {}: {reason}", path.display()))
}
