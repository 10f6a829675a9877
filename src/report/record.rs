//! The record of a run: what was trained on what, how, and what came of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::atomic::write_atomically;
use super::metric::{Metric, summary_table};
use super::table::Table;
use crate::source::{LONGEST_RECORD, read_text};

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It has not ended.
    #[default]
    Running,
    /// All epochs were trained.
    Finished,
    /// Somebody stopped it.
    Interrupted,
    /// The loss was not finite.
    Diverged,
}

/// What was measured at some moment of the training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// When, in epochs.
    pub epoch: f64,
    /// Seconds spent on training until then.
    #[serde(default)]
    pub seconds: f64,
    /// The mean loss since the point before.
    pub loss: f64,
    /// What the encoder was worth.
    pub metrics: Vec<Metric>,
}

/// Everything about a run that is worth keeping besides its weights. What a record does not say is as by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// The recipe's title.
    pub title: String,
    /// The paper it names.
    pub paper: Option<String>,
    /// The hash of the recipe with every default spelled out.
    pub recipe_hash: String,
    /// The seed of every random draw.
    pub seed: u64,
    /// The data set in words.
    pub data: String,
    /// A number that changes with its pictures or labels, of a set that is read from files.
    pub fingerprint: Option<u64>,
    /// Pictures that could not be used, each with the reason.
    pub left_out: Vec<String>,
    /// The engine that ran the steps.
    pub engine: String,
    /// The vector instructions it ran them by: bits are the same on processors that have them.
    pub kernels: String,
    /// The number of threads.
    pub threads: usize,
    /// Versions of the program and of what it stands on, by name.
    pub versions: BTreeMap<String, String>,
    /// When it began, in UTC.
    pub started: String,
    /// The run it began from, and where that stood.
    pub from: Option<String>,
    /// What was changed while it was gone on with.
    pub changes: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The steps made.
    pub steps: u64,
    /// The same in epochs.
    pub epochs: f64,
    /// How long training took, evaluation not counted.
    pub seconds: f64,
    /// The samples trained on, counting repetitions, those of a run it goes on with as a branch included.
    pub images: u64,
    /// The number of trained parameters.
    pub parameters: u64,
    /// What the trained encoder is worth.
    pub trained: Vec<Metric>,
    /// What the same encoder is worth untrained.
    pub untrained: Vec<Metric>,
    /// What raw pixels are worth.
    pub raw: Vec<Metric>,
    /// How it went.
    pub history: Vec<Point>,
    /// What did not hold that should have, in the order in which it broke.
    pub warnings: Vec<String>,
}

impl RunRecord {
    /// The closing table: the encoder trained and untrained, and raw pixels; rows without results are left out.
    pub fn table(&self) -> Table {
        let rows =
            [("encoder, trained", &self.trained), ("encoder, untrained", &self.untrained), ("raw pixels", &self.raw)];
        let rows: Vec<_> = rows.iter().filter(|(_, m)| !m.is_empty()).map(|(n, m)| (*n, m.as_slice())).collect();
        summary_table("features", &rows)
    }

    /// Writes the record as RON, whole or not at all; an error names the file.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let text = ron::ser::to_string_pretty(self, ron::ser::PrettyConfig::new())
            .map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        write_atomically(path, format!("{text}\n").as_bytes())
    }

    /// Reads a record; an error names the file and, where it is no record, the place.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = read_text(path, LONGEST_RECORD).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        ron::from_str(&text).map_err(|e| format!("{} is not the record of a run: {e}", path.display()))
    }
}
