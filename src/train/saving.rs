//! What has been trained is not given up because a disk is full for a moment.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Control, Event, TrainError};

/// Where a run is kept.
pub trait Place {
    /// Its folder.
    fn path(&self) -> &Path;

    /// Whether the folder is still the one that it was; another than that is not written to.
    fn is_there(&self) -> bool;
}

impl Place for PathBuf {
    fn path(&self) -> &Path {
        self
    }

    fn is_there(&self) -> bool {
        self.is_dir()
    }
}

/// Seconds between two tries to write what must be written: a minute in all, and less where somebody waits for the end.
const WAITS: [u64; 6] = [1, 2, 4, 8, 15, 30];
const HURRIED: usize = 3;
/// How often it is looked whether somebody wants the end meanwhile.
const LOOKED: Duration = Duration::from_millis(50);

/// An error where the folder of a run is another one, or gone.
pub(super) fn at_its_place(place: &dyn Place) -> Result<(), TrainError> {
    if place.is_there() {
        return Ok(());
    }
    let path = place.path().display();
    Err(TrainError::File(format!("{path} is not there any more: somebody has moved or removed it")))
}

/// Writes something that must be written: where that fails, it is tried again after a while, some times, unless the place is gone.
pub fn patiently<T>(
    place: &dyn Place,
    control: &Control,
    on_event: &mut dyn FnMut(&Event),
    mut write: impl FnMut(&mut dyn FnMut(&Event)) -> Result<T, TrainError>,
) -> Result<T, TrainError> {
    for (number, seconds) in WAITS.into_iter().enumerate() {
        let hurried = control.stops();
        match write(on_event) {
            Err(TrainError::File(message)) if place.is_there() && !(hurried && number >= HURRIED) => {
                on_event(&Event::Waiting { message, seconds });
                let start = Instant::now();
                while start.elapsed() < Duration::from_secs(seconds) && hurried == control.stops() {
                    std::thread::sleep(LOOKED);
                }
            }
            result => return result,
        }
    }
    write(on_event)
}
