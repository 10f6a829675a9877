//! `resize`: the whole picture at another size (torchvision's `Resize`).

use super::{Augment, Augmentation, Window, resample, side};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::data::Pixels;
use crate::random::Rng;

/// The word `resize`.
pub const WORD: Augmentation = Augmentation {
    entry: Entry {
        name: "resize",
        kind: Kind::Augmentation,
        params: &[Param::required("size", ParamType::Int { min: 1, max: 4096 }, "The shorter side of the result.")],
        formula: "[H, W, 3] -> [H', W', 3], min(H', W') = size",
        doc: "The whole picture with its proportions kept, the shorter side `size` long; antialiased bilinear weights \
              (torchvision Resize).",
    },
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

    fn apply(&self, (): &(), pixels: &mut Pixels, spare: &mut Pixels) {
        let (height, width) = self.output_size((pixels.height, pixels.width));
        if (height, width) != (pixels.height, pixels.width) {
            let whole = Window { top: 0, left: 0, height: pixels.height, width: pixels.width };
            resample(pixels, spare, whole, height, width);
        }
    }

    fn output_size(&self, (height, width): (usize, usize)) -> (usize, usize) {
        let long = |long: usize, short: usize| (self.size * long / short).max(1);
        if height <= width { (self.size, long(width, height)) } else { (long(height, width), self.size) }
    }
}
