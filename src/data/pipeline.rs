//! A sequence of augmentations, and the mask it may end in.

use super::augment::{self, Fit, Scratch, Step};
use super::{DataError, Frame, Image, Mask, Pixels, mask};
use crate::catalog::Config;
use crate::random::Rng;

/// The steps of a view in order.
pub struct Pipeline {
    steps: Vec<Box<dyn Step>>,
    mask: Option<Mask>,
    size: (usize, usize),
}

impl Pipeline {
    /// The pipeline of the given augmentations, of which the last may be a mask. Where pictures have sizes of their own and no step gives
    /// its result one size, the middle of each is first fitted into the frame.
    pub fn build(steps: &[Config], frame: Frame) -> Result<Self, DataError> {
        let (steps, mask) = match steps.split_last() {
            Some((last, before)) if last.is(&mask::ENTRY) => {
                (before, Some(Mask::build(last).map_err(|e| e.at(last.span))?))
            }
            _ => (steps, None),
        };
        if let Some(early) = steps.iter().find(|s| s.is(&mask::ENTRY)) {
            let error = DataError::new("`mask` is the last step of a pipeline").at(early.span);
            return Err(error.help("what changes the picture goes before it, another mask into another view"));
        }
        let mut steps = steps.iter().map(|step| augment::build(step, frame.channels)).collect::<Result<Vec<_>, _>>()?;
        let (mut size, mut same) = (frame.size, frame.same);
        for step in &mut steps {
            if !same {
                step.settle(size);
            }
            size = step.output_size(size);
            same |= step.settles();
        }
        if !same {
            steps.insert(0, Box::new(Fit { size: frame.size }));
        }
        Ok(Self { steps, mask, size })
    }

    /// Height and width of the result.
    pub fn output_size(&self) -> (usize, usize) {
        self.size
    }

    /// Whether the result is normalised, no longer in `0..=1`.
    pub fn normalises(&self) -> bool {
        self.steps.iter().any(|step| step.normalises())
    }

    /// Whether pixels stay as they are.
    pub fn keeps_pixels(&self) -> bool {
        self.steps.is_empty()
    }

    /// What hides patches of the result.
    pub fn mask(&self) -> Option<&Mask> {
        self.mask.as_ref()
    }

    /// Draws and applies every step, in place.
    pub fn apply(&self, pixels: &mut Pixels, scratch: &mut Scratch, rng: &mut Rng) {
        self.steps.iter().for_each(|step| step.run(pixels, scratch, rng));
    }

    /// Draws and applies every step to an image.
    pub fn apply_to(&self, image: &Image, out: &mut Pixels, scratch: &mut Scratch, rng: &mut Rng) {
        let Some((first, rest)) = self.steps.split_first() else { return out.load(image) };
        first.run_on(image, out, scratch, rng);
        rest.iter().for_each(|step| step.run(out, scratch, rng));
    }
}
