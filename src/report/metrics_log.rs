//! The course of a training as JSON lines: one object a logged step.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
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
    /// How long the file is, as far as its lines are whole.
    whole: u64,
    /// Lines that there was no room for yet.
    waiting: String,
}

impl MetricsLog {
    /// Begins an empty log; an error names the file.
    pub fn create(path: &Path) -> Result<Self, String> {
        write_atomically(path, b"")?;
        Self::open(path)
    }

    /// Goes on after `step`: what was logged of later steps, or cut short, is dropped. A missing log begins empty.
    pub fn resume(path: &Path, step: usize) -> Result<Self, String> {
        Self::branch(path, path, step)
    }

    /// Begins a log with what another holds up to `step`.
    pub fn branch(from: &Path, path: &Path, step: usize) -> Result<Self, String> {
        write_atomically(path, lines_up_to(from, step)?.as_bytes())?;
        Self::open(path)
    }

    fn open(path: &Path) -> Result<Self, String> {
        let explain = |e: std::io::Error| format!("cannot write {}: {e}", path.display());
        let file = OpenOptions::new().read(true).append(true).open(path).map_err(explain)?;
        let whole = file.metadata().map_err(explain)?.len();
        Ok(Self { file, path: path.to_owned(), whole, waiting: String::new() })
    }

    /// Adds a line at once, so that a reader who follows the file is up to date. One that cannot be written is kept, and written with
    /// the next.
    pub fn write(&mut self, line: &StepLine) -> Result<(), String> {
        self.waiting += &serde_json::to_string(line).map_err(|e| self.failed(&e))?;
        self.waiting.push('\n');
        self.flush()
    }

    /// Writes what could not be written before.
    pub fn flush(&mut self) -> Result<(), String> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.file.write_all(self.waiting.as_bytes()) {
            // Half a line would be joined to the next; where it cannot be cut off, either, a reader skips it.
            let _ = self.file.set_len(self.whole);
            return Err(self.failed(&error));
        }
        self.whole += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    /// All lines, also where the file has lost its name since, or has no room for the last of them.
    pub fn lines(&mut self) -> std::io::Result<String> {
        let mut text = String::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_string(&mut text)?;
        Ok(text + &self.waiting)
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> String {
        format!("cannot write {}: {error}", self.path.display())
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
