//! Where a run begins: anew, where an earlier one stopped, or as a branch of another. What would not be the same training is not gone
//! on with as if it were.

use std::path::Path;

use super::others::{self, Other};
use super::sameness::{Difference, differences};
use super::{Checked, Failure, Request, RunFolder, log};
use crate::check::Recipe;
use crate::exec::EngineKind;
use crate::kernels;
use crate::report::{Outcome, RunRecord};
use crate::source::Sources;
use crate::train::{Checkpoint, Clock, Start, Which, last_checkpoint, same_until};

/// Where a run begins.
pub(super) enum Beginning {
    /// With its first step.
    Anew,
    /// Anew, in the folder of a run that was stopped before its first checkpoint; what it was computed by.
    Again(Option<EngineKind>),
    /// Where it stopped.
    Resume(Earlier),
    /// Where another run stands, in a folder of its own; with its first step if the recipe is another one.
    Branch {
        /// The other run.
        from: Earlier,
        /// Whether steps, schedules and optimizers go on.
        goes_on: bool,
    },
}

/// A run as it was left.
pub(super) struct Earlier {
    pub folder: RunFolder,
    pub record: RunRecord,
    pub checkpoint: Checkpoint,
}

impl Earlier {
    fn read(run: &Path, which: Which) -> Result<Self, Failure> {
        let folder = RunFolder::open(run)?;
        let record = RunRecord::read(&folder.record()).map_err(Failure::run)?;
        let checkpoint = which.read(folder.path()).map_err(|e| Failure::of(e.diagnostic(), &Sources::default()))?;
        Ok(Self { folder, record, checkpoint })
    }
}

/// The engine that a record names.
fn engine(record: &RunRecord) -> Option<EngineKind> {
    [EngineKind::Planned, EngineKind::Candle].into_iter().find(|kind| log::engine_name(*kind) == record.engine)
}

impl Beginning {
    /// What is asked for, with the earlier run read.
    pub fn read(request: &Request) -> Result<Self, Failure> {
        Ok(match (&request.resume, &request.from) {
            (Some(run), _) if !last_checkpoint(run).exists() => Self::again(&RunFolder::open(run)?)?,
            (Some(run), _) => Self::Resume(Earlier::read(run, Which::Last)?),
            (None, Some(run)) => {
                Self::Branch { from: Earlier::read(run, request.checkpoint)?, goes_on: request.recipe.is_none() }
            }
            (None, None) => Self::Anew,
        })
    }

    /// A run without a checkpoint: one that has not made a step, or it would have one.
    fn again(folder: &RunFolder) -> Result<Self, Failure> {
        let record = RunRecord::read(&folder.record()).map_err(Failure::run)?;
        let steps = std::fs::metadata(folder.metrics()).is_ok_and(|found| found.len() > 0);
        if steps || matches!(record.outcome, Outcome::Finished | Outcome::Diverged) {
            let (run, last) = (folder.path().display(), last_checkpoint(folder.path()));
            return Err(Failure::run(format!(
                "{run} has lost its checkpoint {}: it cannot be gone on with",
                last.display()
            )));
        }
        Ok(Self::Again(engine(&record)))
    }

    /// The engine of the earlier run, if there is one.
    pub fn engine(&self) -> Option<EngineKind> {
        match self {
            Self::Anew => None,
            Self::Again(engine) => *engine,
            Self::Resume(earlier) | Self::Branch { from: earlier, .. } => engine(&earlier.record),
        }
    }

    /// The same for the training.
    pub fn start(&self) -> Start<'_> {
        match self {
            Self::Anew | Self::Again(_) => Start::Anew,
            Self::Resume(earlier) => Start::Resume(&earlier.checkpoint),
            Self::Branch { from, goes_on } => Start::Branch { from: &from.checkpoint, goes_on: *goes_on },
        }
    }
}

/// What a run is to go on with.
pub(super) struct Continued<'a> {
    pub recipe: &'a Recipe,
    pub sources: &'a Sources,
    pub engine: EngineKind,
    /// See [`crate::data::Opened::fingerprint`].
    pub fingerprint: Option<u64>,
    /// The other data sets that it is judged on.
    pub others: &'a [Other],
}

impl<'a> Continued<'a> {
    pub fn of(checked: &'a Checked, recipe: &'a Recipe, engine: EngineKind, fingerprint: Option<u64>) -> Self {
        Self { recipe, sources: &checked.sources, engine, fingerprint, others: &[] }
    }

    /// The same, judged on these data sets, too.
    pub fn judged_on(self, others: &'a [Other]) -> Self {
        Self { others, ..self }
    }

    /// Holds it against the run that it is to be: what may have changed is told, to be recorded; anything else is refused.
    pub fn held_against(&self, earlier: &Earlier) -> Result<Vec<String>, Failure> {
        let progress = &earlier.checkpoint.progress;
        let mut refused: Vec<String> = Vec::new();
        let mut changed: Vec<String> = Vec::new();
        let same_pictures = self.fingerprint.is_some() && self.fingerprint == earlier.record.fingerprint;
        let mut rewritten: Vec<String> = Vec::new();
        for difference in differences(&progress.recipe, &self.recipe.text) {
            rewritten.extend(difference.judged().map(str::to_owned));
            match difference.may_change() || difference.is_data() && same_pictures {
                true => changed.push(difference.in_a_line()),
                false => refused.push(difference.to_string()),
            }
        }
        let (was, is) = (&earlier.record.engine, log::engine_name(self.engine));
        if was != is {
            refused.push(Difference::of("the engine", was, is).to_string());
        }
        if refused.is_empty() && self.fingerprint != earlier.record.fingerprint {
            return Err(self.refuse(earlier, "the pictures or labels of the data set have changed since".to_owned()));
        }
        if !refused.is_empty() {
            let lines: String = refused.iter().map(|line| format!("\n{line}")).collect();
            return Err(self.refuse(earlier, format!("its settings have changed:{lines}")));
        }
        if let Some(name) = others::changed(self.others, &earlier.record.judged, &rewritten) {
            return Err(self.refuse(
                earlier,
                format!("the pictures or labels of `{name}`, which it is judged on, have changed since"),
            ));
        }
        self.lasts(earlier)?;
        Ok(changed.into_iter().map(|line| format!("at step {}: {line}", progress.step)).collect())
    }

    /// A training may be made longer or shorter where nothing that has been done would have been other.
    fn lasts(&self, earlier: &Earlier) -> Result<(), Failure> {
        let progress = &earlier.checkpoint.progress;
        let new = Clock::new(self.recipe.train.epochs, progress.clock.per_epoch);
        if new == progress.clock {
            return Ok(());
        }
        if new.steps < progress.step {
            let epochs = progress.clock.epochs(progress.step);
            return Err(self.refuse(earlier, format!("it has already trained {epochs} epochs")));
        }
        match same_until(self.recipe, progress.clock, new, progress.step) {
            Ok(()) => Ok(()),
            Err((what, span)) => {
                let refused = self.refuse(earlier, format!("{what} depends on `train.epochs`, and has begun"));
                Err(refused.at(span, self.sources))
            }
        }
    }

    fn refuse(&self, earlier: &Earlier, why: String) -> Failure {
        let run = earlier.folder.path().display();
        let help = format!("`sslrun --from {run}` begins a new run from there, with the changes");
        Failure::usage(format!("this would not continue the training of {run}: {why}")).help(help)
    }
}

/// Whether what looks at the features measure is another thing after these changes, and no number beside those from before.
pub(super) fn judged_otherwise(changes: &[String]) -> bool {
    const SAME: [&str; 3] = ["every", "train_samples", "test_samples"];
    let setting = |line: &String| line.split_once(": evaluate.").map(|(_, setting)| setting.to_owned());
    changes.iter().filter_map(setting).any(|setting| !SAME.iter().any(|same| setting.starts_with(&format!("{same}:"))))
}

/// What to say where a run goes on by other vector instructions than it was begun by; an error if that is not wanted.
pub(super) fn other_path(earlier: &Earlier, same_path: bool) -> Result<Option<String>, Failure> {
    let (was, is) = (&earlier.checkpoint.progress.kernels, kernels::Path::current().name());
    if was == is {
        return Ok(None);
    }
    let message =
        format!("the run was computed with {was} and goes on with {is}: its results will differ in the last digits");
    if same_path {
        return Err(Failure::run(format!("{message}, which `--same-path` forbids")));
    }
    Ok(Some(message))
}
