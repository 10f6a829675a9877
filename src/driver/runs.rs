//! The runs below a folder, by their records alone.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Failure, RunFolder, held};
use crate::report::{Listed, Outcome, RunRecord};

/// How far below the folder runs are looked for: in that of a comparison, and in folders of these.
const DEEP: usize = 4;

/// What was found below a folder.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    /// The runs, those that began first before the others.
    pub runs: Vec<Listed>,
    /// What could not be read, and why.
    pub broken: Vec<String>,
    /// Folders that hold no run.
    pub foreign: Vec<PathBuf>,
}

/// All runs below a folder, or the one in it.
pub fn runs_below(folder: &Path) -> Result<Runs, Failure> {
    if !folder.is_dir() {
        let failure = Failure::usage(format!("{} is no folder", folder.display()));
        return Err(failure.help("`sslrun runs DIR` lists the runs below DIR"));
    }
    let mut walk = Walk::default();
    walk.down(folder, 0);
    let read: Vec<Result<Listed, String>> = walk.runs.par_iter().map(|folder| read(folder)).collect();
    let mut runs = Runs { broken: walk.broken, foreign: walk.foreign, ..Runs::default() };
    for found in read {
        match found {
            Ok(run) => runs.runs.push(run),
            Err(message) => runs.broken.push(message),
        }
    }
    runs.runs.sort_by(|a, b| (&a.record.started, &a.run).cmp(&(&b.record.started, &b.run)));
    Ok(runs)
}

fn read(folder: &Path) -> Result<Listed, String> {
    let record = RunRecord::read(&RunFolder::at(folder).record())?;
    let held = record.outcome == Outcome::Running && held::is_held(folder);
    Ok(Listed { run: folder.display().to_string(), record, held })
}

/// What is found on the way down.
#[derive(Default)]
struct Walk {
    runs: Vec<PathBuf>,
    broken: Vec<String>,
    foreign: Vec<PathBuf>,
    /// Folders it has been in, as links may lead there again.
    seen: HashSet<PathBuf>,
}

impl Walk {
    /// Looks for runs in a folder and below; whether there is one, or something that may be one.
    fn down(&mut self, folder: &Path, depth: usize) -> bool {
        if !folder.canonicalize().is_ok_and(|place| self.seen.insert(place)) {
            return true;
        }
        if RunFolder::at(folder).record().symlink_metadata().is_ok() {
            self.runs.push(folder.to_owned());
            return true;
        }
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(e) => {
                self.broken.push(format!("cannot read {}: {e}", folder.display()));
                return true;
            }
        };
        let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let folders = entries.flatten().filter(|entry| {
            let kind = entry.file_type();
            kind.is_ok_and(|kind| kind.is_dir() || kind.is_symlink() && entry.path().is_dir())
        });
        let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).filter(|path| !hidden(path)).collect();
        folders.sort_unstable();
        let (found, empty): (Vec<PathBuf>, Vec<PathBuf>) =
            folders.into_iter().partition(|inner| depth < DEEP && self.down(inner, depth + 1));
        // Of folders within folders that hold no run, the outermost are named.
        let any = !found.is_empty();
        if any || depth == 0 {
            self.foreign.extend(empty);
        }
        any
    }
}
