//! The folder of a run: what lies in it.

use std::path::{Path, PathBuf};

use super::Failure;

/// A folder that holds the resolved recipe, the record, the metrics and the checkpoints of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// A folder that may be that of a run.
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The folder of an earlier run.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let folder = Self::at(path);
        if folder.is_begun() {
            return Ok(folder);
        }
        Err(Failure::usage(format!("{} is not the folder of a run: it has no recipe.ssl", path.display())))
    }

    /// Whether a run has begun here: the recipe comes last of what is written before the first step.
    pub fn is_begun(&self) -> bool {
        self.recipe().is_file()
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The recipe as one text, overrides applied.
    pub fn recipe(&self) -> PathBuf {
        self.path.join("recipe.ssl")
    }

    /// The record of the run.
    pub fn record(&self) -> PathBuf {
        self.path.join("run.ron")
    }

    /// The course of the training, a JSON object a line.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// What checkpoints lie in.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }
}
