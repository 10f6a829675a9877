//! A sequence of augmentations.

use super::augment::{self, Step};
use super::{DataError, Pixels};
use crate::catalog::Config;
use crate::random::Rng;

/// The steps of a view in order.
pub struct Pipeline {
    steps: Vec<Box<dyn Step>>,
}

impl Pipeline {
    /// The pipeline of the given augmentations.
    pub fn build(steps: &[Config]) -> Result<Self, DataError> {
        Ok(Self { steps: steps.iter().map(augment::build).collect::<Result<_, _>>()? })
    }

    /// Height and width of the result for an image of the given ones.
    pub fn output_size(&self, input: (usize, usize)) -> (usize, usize) {
        self.steps.iter().fold(input, |size, step| step.output_size(size))
    }

    /// Whether the result is normalised, no longer in `0..=1`.
    pub fn normalises(&self) -> bool {
        self.steps.iter().any(|step| step.normalises())
    }

    /// Draws and applies every step, in place; `spare` is memory to work in.
    pub fn apply(&self, pixels: &mut Pixels, spare: &mut Pixels, rng: &mut Rng) {
        self.steps.iter().for_each(|step| step.run(pixels, spare, rng));
    }
}
