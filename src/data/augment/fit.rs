//! A picture of any size fitted into a given one, nothing of it squashed.

use super::resample::{resample, resample_image};
use super::{Augment, Scratch, Window};
use crate::data::{Image, Pixels};
use crate::random::Rng;

/// The middle of a picture, as much of it as has the proportions of the given size, to scale.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Height and width of the result.
    pub size: (usize, usize),
}

impl Augment for Fit {
    type Draw = ();

    fn draw(&self, _: (usize, usize), _: &mut Rng) {}

    fn apply(&self, (): &(), pixels: &mut Pixels, scratch: &mut Scratch) {
        let from = (pixels.height, pixels.width);
        if from != self.size {
            resample(pixels, self.middle(from), self.size, scratch);
        }
    }

    fn apply_to(&self, (): &(), image: &Image, out: &mut Pixels, scratch: &mut Scratch) {
        let from = (image.height, image.width);
        match from == self.size {
            true => out.load(image),
            false => resample_image(image, self.middle(from), self.size, out, scratch),
        }
    }

    fn output_size(&self, _: (usize, usize)) -> (usize, usize) {
        self.size
    }

    fn settles(&self) -> bool {
        true
    }
}

impl Fit {
    /// The largest part in the middle of a picture that has the proportions of the result.
    fn middle(&self, (height, width): (usize, usize)) -> Window {
        let (rows, columns) = self.size;
        let part = |whole: usize, of: usize, by: usize| ((whole * of) as f64 / by as f64).round_ties_even() as usize;
        let (h, w) = match height * columns <= width * rows {
            true => (height, part(height, columns, rows).clamp(1, width)),
            false => (part(width, rows, columns).clamp(1, height), width),
        };
        Window { top: (height - h) / 2, left: (width - w) / 2, height: h, width: w }
    }
}
