//! The record of a run: what was trained on what, how, and what came of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::atomic::write_atomically;
use super::metric::{Metric, sectioned_table};
use super::numbers::number;
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

/// Another data set that a run is judged on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JudgedOn {
    /// Its name: what was measured on it is called `NAME: k-NN`.
    pub name: String,
    /// The data set in words.
    pub data: String,
    /// A number that changes with its pictures or labels, of a set that is read from files.
    pub fingerprint: Option<u64>,
}

impl JudgedOn {
    /// What a measure on the data set of that name is called.
    pub fn measure(name: &str, measure: &str) -> String {
        format!("{name}: {measure}")
    }
}

/// Where the features of a run were best, and what the encoder was worth there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BestRecord {
    /// The measure by which that is decided, as metrics call it.
    pub measure: String,
    /// How much it was when it was looked at.
    pub value: f64,
    /// Steps done.
    pub step: u64,
    /// The same in epochs.
    pub epoch: f64,
    /// What the probes say of it; nothing where that is the trained encoder itself.
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
    /// The other data sets that it is judged on.
    pub judged: Vec<JudgedOn>,
    /// What logs are kept besides the metrics.
    pub logs: Vec<String>,
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
    /// Where it was best, if the best checkpoint is kept.
    pub best: Option<BestRecord>,
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
    /// The closing table: the encoder trained, where it was best, and untrained, and raw pixels, on each data set; rows without results
    /// are left out.
    pub fn table(&self) -> Table {
        let best =
            self.best.as_ref().map(|best| (format!("encoder, best (epoch {})", number(best.epoch)), &best.metrics));
        let row = |title: &str, metrics| (title.to_owned(), metrics);
        let mut rows = vec![row("encoder, trained", &self.trained)];
        rows.extend(best);
        rows.extend([row("encoder, untrained", &self.untrained), row("raw pixels", &self.raw)]);
        let sets: Vec<&str> = self.judged.iter().map(|set| set.name.as_str()).collect();
        sectioned_table("features", &rows, &sets)
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
