//! The course of a training as JSON lines: one object a logged step.

use std::path::Path;

use serde::{Serialize, Serializer};

use super::appended::Appended;
use super::follower::{Follower, LoggedStep};
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

/// A file of [`StepLine`]s, and other files that say the same.
#[derive(Debug)]
pub struct MetricsLog {
    file: Appended,
    followers: Vec<(Appended, Follower)>,
}

impl MetricsLog {
    /// Begins an empty log; an error names the file.
    pub fn create(path: &Path) -> Result<Self, String> {
        Self::begin(path, "")
    }

    /// Goes on after `step`: what was logged of later steps, or cut short, is dropped. A missing log begins empty.
    pub fn resume(path: &Path, step: usize) -> Result<Self, String> {
        Self::branch(path, path, step)
    }

    /// Begins a log with what another holds up to `step`.
    pub fn branch(from: &Path, path: &Path, step: usize) -> Result<Self, String> {
        Self::begin(path, &lines_up_to(from, step)?)
    }

    fn begin(path: &Path, lines: &str) -> Result<Self, String> {
        Ok(Self { file: Appended::begin(path, lines.as_bytes())?, followers: Vec::new() })
    }

    /// Writes another file that says the same, from the first line on; one that is there is replaced.
    pub fn follow(&mut self, path: &Path, mut follower: Follower) -> Result<(), String> {
        let lines = self.lines().map_err(|e| format!("cannot read what {} follows: {e}", path.display()))?;
        let lines: Vec<LoggedStep> = lines.lines().filter_map(LoggedStep::read).collect();
        let mut contents = follower.head(&lines);
        lines.iter().for_each(|line| contents.extend(follower.piece(line)));
        self.followers.push((Appended::begin(path, &contents)?, follower));
        Ok(())
    }

    /// Adds a line at once, so that a reader who follows the file is up to date. One that cannot be written is kept, and written with
    /// the next.
    pub fn write(&mut self, line: &StepLine) -> Result<(), String> {
        let text = serde_json::to_string(line).map_err(|e| format!("cannot write metrics: {e}"))?;
        let mut result = self.file.add(format!("{text}\n").as_bytes());
        // What is written now is to be what is written when it is read again.
        let Some(logged) = LoggedStep::read(&text) else { return result };
        for (file, follower) in &mut self.followers {
            result = result.and(file.add(&follower.piece(&logged)));
        }
        result
    }

    /// Writes what could not be written before.
    pub fn flush(&mut self) -> Result<(), String> {
        let files = self.followers.iter_mut().map(|(file, _)| file);
        std::iter::once(&mut self.file).chain(files).try_for_each(Appended::flush)
    }

    /// All lines, also where the file has lost its name since, or has no room for the last of them.
    pub fn lines(&mut self) -> std::io::Result<String> {
        String::from_utf8(self.file.contents()?).map_err(|e| std::io::Error::other(e.to_string()))
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
