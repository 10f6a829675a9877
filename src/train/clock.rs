//! Steps and epochs.

/// How many steps a training has, and how many of them make an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Clock {
    /// Steps in all.
    pub steps: usize,
    /// Steps an epoch.
    pub per_epoch: usize,
}

impl Clock {
    /// A training of so many epochs, fractions allowed.
    pub fn new(epochs: f64, per_epoch: usize) -> Self {
        Self { steps: (epochs * per_epoch as f64).round().max(0.0) as usize, per_epoch }
    }

    /// How many epochs have passed after so many steps.
    pub fn epochs(&self, steps: usize) -> f64 {
        steps as f64 / self.per_epoch.max(1) as f64
    }

    /// Whether something due every so many epochs is due after `done` steps; never where `epochs` is 0.
    pub fn due(&self, done: usize, epochs: f64) -> bool {
        let interval = (epochs * self.per_epoch as f64).round() as usize;
        epochs > 0.0 && done.is_multiple_of(interval.max(1))
    }
}
