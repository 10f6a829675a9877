//! Saves a training somewhere else where its folder cannot be written to.

use std::path::{Path, PathBuf};

use super::held::Held;
use super::log::RunLog;
use super::{Failure, RunFolder};
use crate::report::bytes;
use crate::system::free_space;
use crate::train::{Event, Place, Training};

/// That there is room in a folder for the checkpoints of a training: those that it keeps, and one more, as one is written before another
/// goes.
pub(super) fn room(held: &Held, training: &mut Training, resumed: bool) -> Result<(), Failure> {
    let (checkpoint, train) = (training.learner().bytes(), &training.recipe().train);
    let own = if train.keep > 1 { train.keep } else { 0 } + usize::from(train.best.is_some());
    let needed = if resumed { checkpoint } else { (2 + own as u64) * checkpoint };
    // Where the system does not say what is free, writing will.
    let Some(free) = free_space(held.path()) else { return Ok(()) };
    if free >= needed {
        return Ok(());
    }
    let (path, needed, free) = (held.path().display(), bytes(needed), bytes(free));
    Err(Failure::run(format!("{path} has no room: the checkpoints need {needed}, and {free} are free")))
}

/// Saves a training that could not be saved in its folder, with its record, wherever it can be; an error that says where.
pub(super) fn rescue(
    message: &str,
    held: &Held,
    training: &mut Training,
    log: &mut RunLog,
    on_event: &mut dyn FnMut(&Event),
) -> Failure {
    let step = training.done();
    let mut save = |place: &Path| {
        let saved = log.copy_to(&RunFolder::at(place), training).is_ok()
            && training.save(&place.to_owned(), false, on_event).is_ok()
            && training.is_kept();
        if saved {
            training.copy_kept(held.path(), place);
        }
        saved
    };
    let saved = held.moved_to().filter(|place| save(place)).or_else(|| elsewhere(held, &mut save));
    match saved.map(|place| place.display().to_string()) {
        Some(place) => Failure::run(message)
            .note(format!("what was trained until step {step} is in {place}"))
            .help(format!("go on by `sslrun --resume {place}`")),
        None => Failure::run(message)
            .note(format!("what was trained until step {step} could not be saved anywhere else, either")),
    }
}

/// A new folder beside the run's, here, in the folder for temporary files, or at home.
fn elsewhere(held: &Held, save: &mut dyn FnMut(&Path) -> bool) -> Option<PathBuf> {
    let name = held.path().file_name().unwrap_or_default().to_string_lossy();
    let beside = held.path().parent().map(Path::to_owned);
    let here = std::env::current_dir().ok();
    let temporary = Some(std::env::temp_dir());
    let home = std::env::home_dir();
    let places = [beside, here, temporary, home].into_iter().flatten().filter(|place| place.is_dir());
    let mut made = places.filter_map(|place| {
        let place = place.canonicalize().ok()?;
        tempfile::Builder::new().prefix(&format!("{name}-saved-")).tempdir_in(place).ok()
    });
    made.find(|folder| save(folder.path())).map(tempfile::TempDir::keep)
}
