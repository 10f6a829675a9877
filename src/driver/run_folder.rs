//! The folder of a run: what lies in it, and that no run ever overwrites another.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Failure;

/// A folder that holds the resolved recipe, the record, the metrics and the checkpoints of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// A new folder: `out`, which must not exist or be empty, or the first free `runs/NAME-1`, `runs/NAME-2`, ...
    pub fn create(out: Option<&Path>, name: &str) -> Result<Self, Failure> {
        if let Some(out) = out {
            return Self::claim(out);
        }
        let runs = Path::new("runs");
        std::fs::create_dir_all(runs).map_err(|e| cannot("make", runs, &e))?;
        for number in 1.. {
            let path = runs.join(format!("{name}-{number}"));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(cannot("make", &path, &e)),
            }
        }
        Err(Failure::Run("every number of a run is taken".to_owned()))
    }

    fn claim(out: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(out).map_err(|e| cannot("make", out, &e))?;
        let mut entries = std::fs::read_dir(out).map_err(|e| cannot("read", out, &e))?;
        if entries.next().is_some() {
            let path = out.display();
            return Err(Failure::Run(format!(
                "{path} is there already and not empty: a run overwrites nothing\n  \
                 = help: choose another `--out`, or go on with that run by `--resume {path}`"
            )));
        }
        Ok(Self { path: out.to_owned() })
    }

    /// The folder of an earlier run.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let folder = Self { path: path.to_owned() };
        if folder.recipe().is_file() {
            return Ok(folder);
        }
        Err(Failure::Usage(format!("{} is not the folder of a run: it has no recipe.ssl", path.display())))
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
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::Run(format!("cannot {what} {}: {error}", path.display()))
}
