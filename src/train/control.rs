//! What is asked of a training from outside while it runs.

use std::sync::atomic::{AtomicBool, Ordering};

use super::TrainError;

/// Wishes that another thread may have at any moment; they are looked at between two steps, and wherever something takes long.
#[derive(Debug, Default)]
pub struct Control {
    stop: AtomicBool,
    save: AtomicBool,
}

impl Control {
    /// Asks to stop with everything saved; whether that had been asked before.
    pub fn stop(&self) -> bool {
        self.stop.swap(true, Ordering::Relaxed)
    }

    /// Whether it is to stop.
    pub fn stops(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// An error where it is to stop.
    pub(super) fn proceed(&self) -> Result<(), TrainError> {
        if self.stops() { Err(TrainError::Stopped) } else { Ok(()) }
    }

    /// Asks to save, and to go on.
    pub fn save(&self) {
        self.save.store(true, Ordering::Relaxed);
    }

    /// Whether it is to save; who has heard that is not told again.
    pub(super) fn saves(&self) -> bool {
        self.save.swap(false, Ordering::Relaxed)
    }
}
