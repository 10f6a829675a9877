//! How fast a training goes.

use std::collections::VecDeque;
use std::time::Instant;

/// Measures the time of steps, and how many samples a second they have done lately.
#[derive(Clone, Debug, Default)]
pub struct Stopwatch {
    before: f64,
    spent: f64,
    last: Option<Instant>,
    laps: VecDeque<(f64, usize)>,
}

/// How many steps "lately" are at most.
const LAPS: usize = 20;

impl Stopwatch {
    /// A stopwatch that goes on from so many seconds.
    pub fn after(seconds: f64) -> Self {
        Self { before: seconds, ..Self::default() }
    }

    /// Counts the time from the step before, or from `start` after a pause, until now.
    pub fn lap(&mut self, start: Instant, samples: usize) {
        let now = Instant::now();
        let from = self.last.replace(now).unwrap_or(start);
        let seconds = (now - from).as_secs_f64();
        self.spent += seconds;
        self.laps.push_back((seconds, samples));
        if self.laps.len() > LAPS {
            self.laps.pop_front();
        }
    }

    /// Leaves out what happens from now until the next step starts.
    pub fn pause(&mut self) {
        self.last = None;
    }

    /// Samples a second over the last steps.
    pub fn rate(&self) -> f64 {
        let (seconds, samples) = self.laps.iter().fold((0.0, 0), |sum, lap| (sum.0 + lap.0, sum.1 + lap.1));
        samples as f64 / f64::max(seconds, 1e-9)
    }

    /// Seconds in all.
    pub fn seconds(&self) -> f64 {
        self.before + self.spent
    }
}
