//! `pad_crop`: the picture shifted by a few pixels (torchvision's `RandomCrop` with padding).

use super::{Augment, Augmentation};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::data::{CHANNELS, Pixels};
use crate::random::Rng;

/// The word `pad_crop`.
pub const WORD: Augmentation = Augmentation {
    entry: Entry {
        name: "pad_crop",
        kind: Kind::Augmentation,
        params: &[Param::optional(
            "padding",
            ParamType::Int { min: 0, max: 1024 },
            "4",
            "Black pixels added all round.",
        )],
        formula: "[H, W, 3] -> [H, W, 3]",
        doc: "A random part, as large as the picture, of the picture with a black border (torchvision RandomCrop with \
              padding).",
    },
    build: |config| Ok(Box::new(PadCrop { padding: config.int("padding") })),
};

/// Random shift.
#[derive(Clone, Debug)]
pub struct PadCrop {
    /// The widest shift either way.
    pub padding: usize,
}

impl Augment for PadCrop {
    /// First row and column in the padded picture.
    type Draw = (usize, usize);

    fn draw(&self, _: (usize, usize), rng: &mut Rng) -> (usize, usize) {
        (rng.below(2 * self.padding + 1), rng.below(2 * self.padding + 1))
    }

    fn apply(&self, &(top, left): &(usize, usize), pixels: &mut Pixels, spare: &mut Pixels) {
        let shift = |start: usize| start as isize - self.padding as isize;
        cut(pixels, spare, shift(top), shift(left), (pixels.height, pixels.width));
    }
}

/// Takes the rectangle that starts at `top`, `left`; what lies outside the picture is black.
pub(super) fn cut(pixels: &mut Pixels, spare: &mut Pixels, top: isize, left: isize, (height, width): (usize, usize)) {
    spare.copy_from(pixels);
    pixels.data.clear();
    pixels.data.resize(height * width * CHANNELS, 0.0);
    (pixels.height, pixels.width) = (height, width);
    for (y, row) in pixels.data.chunks_exact_mut(width * CHANNELS).enumerate() {
        let Some(source) = within(y as isize + top, spare.height) else { continue };
        for (x, pixel) in row.as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
            if let Some(column) = within(x as isize + left, spare.width) {
                let at = (source * spare.width + column) * CHANNELS;
                pixel.copy_from_slice(&spare.data[at..at + CHANNELS]);
            }
        }
    }
}

fn within(at: isize, extent: usize) -> Option<usize> {
    usize::try_from(at).ok().filter(|&at| at < extent)
}
