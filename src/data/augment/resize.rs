//! `resize`: the whole picture at another size (torchvision's `Resize`).

use super::resample::{resample, resample_image};
use super::{Augment, Augmentation, Scratch, Window, side};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::data::{Image, Pixels};
use crate::random::Rng;

/// The word `resize`.
pub static WORD: Augmentation = Augmentation {
    entry: Entry {
        name: "resize",
        kind: Kind::Augmentation,
        params: &[Param::required("size", ParamType::Int { min: 1, max: 4096 }, "The shorter side of the result.")],
        formula: "[H, W, C] -> [H', W', C], min(H', W') = size",
        doc: "The whole picture with its proportions kept, the shorter side `size` long; antialiased bilinear weights \
              (torchvision Resize).",
    },
    random: false,
    build: |config| Ok(Box::new(Resize { size: side(config, "resize")? })),
};

/// Resizing to a shorter side.
#[derive(Clone, Debug)]
pub struct Resize {
    /// The shorter side of the result.
    pub size: usize,
}

impl Augment for Resize {
    type Draw = ();

    fn draw(&self, _: (usize, usize), _: &mut Rng) {}

    fn apply(&self, (): &(), pixels: &mut Pixels, scratch: &mut Scratch) {
        let from = (pixels.height, pixels.width);
        let size = self.output_size(from);
        if size != from {
            resample(pixels, Window::whole(from), size, scratch);
        }
    }

    fn apply_to(&self, (): &(), image: &Image, out: &mut Pixels, scratch: &mut Scratch) {
        let from = (image.height, image.width);
        match self.output_size(from) {
            same if same == from => out.load(image),
            size => resample_image(image, Window::whole(from), size, out, scratch),
        }
    }

    fn output_size(&self, (height, width): (usize, usize)) -> (usize, usize) {
        let long = |long: usize, short: usize| (self.size * long / short).max(1);
        if height <= width { (self.size, long(width, height)) } else { (long(height, width), self.size) }
    }
}
