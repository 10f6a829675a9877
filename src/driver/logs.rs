//! The logs that a run keeps besides its metrics.

use std::path::{Path, PathBuf};

use super::{Failure, RunFolder};
use crate::check::Recipe;
use crate::data::{DataSet, contact_sheet};
use crate::eval::MEASURES;
use crate::report::{Follower, MetricsLog, Picture, RunRecord, seconds_of};
use crate::train::view_specs;

/// Samples whose views are shown.
const SAMPLES: usize = 8;

/// A log besides the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// An event file for TensorBoard.
    Tensorboard,
    /// A table.
    Csv,
}

impl LogKind {
    const ALL: [Self; 2] = [Self::Tensorboard, Self::Csv];

    /// What it is called on the command line and in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tensorboard => "tensorboard",
            Self::Csv => "csv",
        }
    }

    /// Its file in the folder of a run that began at that time.
    fn file(self, folder: &RunFolder, started: u64) -> PathBuf {
        match self {
            Self::Tensorboard => {
                folder.path().join("tensorboard").join(format!("events.out.tfevents.{started}.sslrun"))
            }
            Self::Csv => folder.path().join("metrics.csv"),
        }
    }
}

/// The logs that a run keeps: those that are asked for, and those that it had.
pub(super) fn kept(asked: &[LogKind], record: &RunRecord) -> Vec<LogKind> {
    let had = |kind: &LogKind| record.logs.iter().any(|name| name == kind.name());
    LogKind::ALL.into_iter().filter(|kind| asked.contains(kind) || had(kind)).collect()
}

/// Lets the logs of a run follow its metrics.
pub(super) fn follow(
    metrics: &mut MetricsLog,
    folder: &RunFolder,
    record: &RunRecord,
    recipe: &Recipe,
    data: &dyn DataSet,
) -> Result<(), Failure> {
    let started = seconds_of(&record.started).unwrap_or(0);
    for kind in kept(&[], record) {
        let path = kind.file(folder, started);
        if let Some(parent) = path.parent() {
            make(parent)?;
        }
        let follower = match kind {
            LogKind::Csv => {
                let terms: Vec<String> = recipe.loss.terms.iter().map(|term| term.name.clone()).collect();
                Follower::table(&terms, measures(recipe))
            }
            LogKind::Tensorboard => Follower::Events { started: started as f64, views: views(recipe, data)? },
        };
        metrics.follow(&path, follower).map_err(Failure::run)?;
    }
    Ok(())
}

fn make(folder: &Path) -> Result<(), Failure> {
    match std::fs::create_dir(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Failure::run(format!("cannot make {}: {e}", folder.display())))
        }
        _ => Ok(()),
    }
}

/// What looks at the features measure, on the own data set and on others.
fn measures(recipe: &Recipe) -> Vec<String> {
    let own = MEASURES.iter().map(|m| m.name.to_owned());
    let on = |set: &crate::check::Judged| {
        let taken = MEASURES.iter().filter(|m| !m.views);
        taken.map(|m| format!("{}.{}", set.name, m.name)).collect::<Vec<_>>()
    };
    own.chain(recipe.evaluate.judged.iter().flat_map(on)).collect()
}

/// The views of some samples as a picture; nothing of a recipe without views.
fn views(recipe: &Recipe, data: &dyn DataSet) -> Result<Option<Picture>, Failure> {
    if recipe.views.is_empty() {
        return Ok(None);
    }
    let failed = |e: crate::data::DataError| Failure::run(e.to_string());
    let sheet = contact_sheet(data, &view_specs(recipe), SAMPLES, recipe.train.seed).map_err(failed)?;
    let png = sheet.encode(Path::new("views.png")).map_err(failed)?;
    Ok(Some(Picture { size: (sheet.height, sheet.width), png }))
}
