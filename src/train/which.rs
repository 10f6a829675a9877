//! The checkpoints that a run keeps besides its last one: which files they are, and which of them go.

use std::path::{Path, PathBuf};

use super::{Checkpoint, TrainError, last_checkpoint};
use crate::diag::{Code, Diagnostic};

/// A checkpoint of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// The last one, from which a run goes on.
    #[default]
    Last,
    /// The best one by the recipe's measure.
    Best,
    /// The one after so many steps.
    Step(usize),
}

impl Which {
    /// `last`, `best` or a number of steps.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "last" => Ok(Self::Last),
            "best" => Ok(Self::Best),
            _ => text.parse().map(Self::Step).map_err(|_| "it is `last`, `best` or a number of steps".to_owned()),
        }
    }

    /// Its file in the folder of a run.
    pub fn file(self, run: &Path) -> PathBuf {
        match self {
            Self::Last => last_checkpoint(run),
            Self::Best => run.join("checkpoints").join("best.safetensors"),
            Self::Step(step) => run.join("checkpoints").join(format!("step-{step:09}.safetensors")),
        }
    }

    /// Reads it; where it is not there, an error that says which are.
    pub fn read(self, run: &Path) -> Result<Checkpoint, TrainError> {
        let path = self.file(run);
        if self == Self::Last || path.exists() {
            return Checkpoint::read(&path);
        }
        let what = match self {
            Self::Step(step) => format!("no checkpoint of step {step}"),
            Self::Last | Self::Best => "no best checkpoint".to_owned(),
        };
        let help = match self {
            Self::Step(_) => "`train { keep: 3 }` keeps the last three",
            Self::Last | Self::Best => "`train { best: knn }` keeps the best one by a measure",
        };
        let there = present(run).join(", ");
        let message = format!("{} has {what}: there is {there}", run.display());
        Err(TrainError::Told(Box::new(Diagnostic::error(Code::RUN_FAILED, None, message).help(help))))
    }
}

/// The checkpoints that are in the folder of a run, as [`Which::parse`] reads them.
fn present(run: &Path) -> Vec<String> {
    let named = [(Which::Last, "last"), (Which::Best, "best")];
    let mut there: Vec<String> =
        named.iter().filter(|(which, _)| which.file(run).exists()).map(|(_, name)| (*name).to_owned()).collect();
    let entries = std::fs::read_dir(run.join("checkpoints")).into_iter().flatten().flatten();
    let step = |name: String| name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse::<usize>().ok();
    let mut steps: Vec<usize> =
        entries.filter_map(|entry| step(entry.file_name().to_string_lossy().into_owned())).collect();
    steps.sort_unstable();
    there.extend(steps.iter().map(usize::to_string));
    if there.is_empty() { vec!["none".to_owned()] } else { there }
}

/// Whether a checkpoint can be kept: a file in its place that no training from this seed has written is left as it is.
pub fn has_place(which: Which, run: &Path, seed: u64) -> bool {
    let path = which.file(run);
    path.symlink_metadata().is_err() || is_ours(&path, which, seed)
}

/// Whether a file is a checkpoint of that step from that seed.
fn is_ours(path: &Path, which: Which, seed: u64) -> bool {
    let same_step = |step: usize| if let Which::Step(wanted) = which { step == wanted } else { true };
    Checkpoint::read(path).is_ok_and(|found| found.progress.seed == seed && same_step(found.progress.step))
}

/// Removes the files of these steps, as far as a training from this seed has written them.
pub fn remove(run: &Path, seed: u64, steps: &[usize]) {
    for which in steps.iter().map(|step| Which::Step(*step)) {
        let path = which.file(run);
        if is_ours(&path, which, seed) {
            // One that cannot be removed does no harm but to take room.
            let _ = std::fs::remove_file(path);
        }
    }
}
