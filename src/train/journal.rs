//! What a training has learnt of itself so far: a part of its checkpoint, so that nothing of it is lost with the process.

use serde::{Deserialize, Serialize};

use super::Measures;

/// The course of a training up to a step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Journal {
    /// What was found at each look at the features.
    pub looks: Vec<Look>,
    /// Sum and number of the losses since the last look.
    pub losses: (f64, usize),
    /// What did not hold that should have, in the order in which it broke.
    pub warnings: Vec<String>,
    /// Whether each expectation of the recipe is broken.
    pub broken: Vec<bool>,
    /// Steps whose update was left out because something was not finite.
    pub skipped: usize,
    /// How many of them stand at the end, one behind the other.
    pub in_a_row: usize,
    /// The steps of the planned checkpoints that have files of their own, and of the one whose file goes next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<usize>,
    /// Where the features were best, if the best checkpoint is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<BestSoFar>,
}

/// Where the features were best by a measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestSoFar {
    /// The measure, as metrics call it.
    pub measure: String,
    /// How much it was.
    pub value: f64,
    /// Steps done.
    pub step: usize,
    /// The same in epochs.
    pub epoch: f64,
}

/// A look at the features at some moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Steps done.
    pub step: usize,
    /// The same in epochs.
    pub epoch: f64,
    /// Seconds spent on training until then.
    pub seconds: f64,
    /// The mean loss since the look before.
    pub loss: f64,
    /// What was found.
    pub measures: Measures,
}

impl Journal {
    /// Notes the loss of a step; one that is not finite says nothing of the mean.
    pub fn loss(&mut self, loss: f64) {
        if loss.is_finite() {
            self.losses = (self.losses.0 + loss, self.losses.1 + 1);
        }
    }

    /// Notes a look, with the mean loss since the one before.
    pub fn look(&mut self, step: usize, epoch: f64, seconds: f64, measures: Measures) {
        let (sum, count) = std::mem::take(&mut self.losses);
        let loss = if count > 0 { sum / count as f64 } else { f64::NAN };
        self.looks.push(Look { step, epoch, seconds, loss, measures });
    }
}
