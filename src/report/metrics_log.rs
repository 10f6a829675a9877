//! The course of a training as JSON lines: one object a logged step.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::atomic::write_atomically;
use crate::source::read_text;

/// What is logged of a step. A number that is not finite becomes `null`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StepLine {
    /// The step, from 1.
    pub step: usize,
    /// The same in epochs.
    pub epoch: f64,
    /// Seconds spent on training until then, evaluation not counted.
    pub seconds: f64,
    /// The whole loss.
    pub loss: f64,
    /// Each term of the loss, in the order of the recipe.
    #[serde(serialize_with = "as_object")]
    pub terms: Vec<(String, f64)>,
    /// The learning rate.
    pub lr: f64,
    /// Whether nothing was updated, as something was not finite; left out where it was.
    #[serde(skip_serializing_if = "is_false")]
    pub skipped: bool,
    /// Samples trained on a second since the last line.
    pub images_per_second: f64,
    /// What else was measured at this step (`knn`, `effective_rank`, ...); left out where nothing was.
    #[serde(serialize_with = "as_object", skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<(String, f64)>,
}

fn is_false(skipped: &bool) -> bool {
    !skipped
}

fn as_object<S: Serializer>(entries: &[(String, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(entries.iter().map(|(name, value)| (name, value)))
}

/// A file of [`StepLine`]s.
#[derive(Debug)]
pub struct MetricsLog {
    file: File,
    path: PathBuf,
}

impl MetricsLog {
    /// Begins an empty log; an error names the file.
    pub fn create(path: &Path) -> Result<Self, String> {
        let file = File::create(path).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Goes on after `step`: what was logged of later steps, or cut short, is dropped. A missing log begins empty.
    pub fn resume(path: &Path, step: usize) -> Result<Self, String> {
        let explain = |what: &str, e: std::io::Error| format!("cannot {what} {}: {e}", path.display());
        write_atomically(path, lines_up_to(path, step)?.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path).map_err(|e| explain("write", e))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Begins a log with what another holds up to `step`.
    pub fn branch(from: &Path, path: &Path, step: usize) -> Result<Self, String> {
        write_atomically(path, lines_up_to(from, step)?.as_bytes())?;
        Self::resume(path, step)
    }

    /// Adds a line at once, so that a reader who follows the file is up to date.
    pub fn write(&mut self, line: &StepLine) -> Result<(), String> {
        let explain = |e: &dyn std::fmt::Display| format!("cannot write {}: {e}", self.path.display());
        let mut text = serde_json::to_string(line).map_err(|e| explain(&e))?;
        text.push('\n');
        self.file.write_all(text.as_bytes()).map_err(|e| explain(&e))
    }
}

/// The loss over the seconds of training that a log holds, as far as it can be read; nothing where there is no log.
pub fn loss_over_time(path: &Path) -> Vec<(f64, f64)> {
    let text = read_text(path, u64::MAX - 1).unwrap_or_default();
    let point = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        Some((value.get("seconds")?.as_f64()?, value.get("loss")?.as_f64().unwrap_or(f64::NAN)))
    };
    text.lines().filter_map(point).collect()
}

/// The whole lines of a log of steps up to `step`; none of one that is not there.
fn lines_up_to(path: &Path, step: usize) -> Result<String, String> {
    match read_text(path, u64::MAX - 1) {
        Ok(text) => Ok(text.split_inclusive('\n').filter(|l| l.ends_with('\n') && up_to(l, step)).collect()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(e) => Err(format!("cannot read {}: {e}", path.display())),
    }
}

fn up_to(line: &str, step: usize) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_str(line).ok();
    value.and_then(|v| v.get("step")?.as_u64()).is_some_and(|s| s <= step as u64)
}
