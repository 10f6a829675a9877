//! `pad_crop`: the picture shifted by a few pixels (torchvision's `RandomCrop` with padding).

use std::ops::Range;

use super::{Augment, Augmentation, Scratch};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::data::Pixels;
use crate::random::Rng;

/// The word `pad_crop`.
pub static WORD: Augmentation = Augmentation {
    entry: Entry {
        name: "pad_crop",
        kind: Kind::Augmentation,
        params: &[Param::optional(
            "padding",
            ParamType::Int { min: 0, max: 1024 },
            "4",
            "Black pixels added all round.",
        )],
        formula: "[H, W, C] -> [H, W, C]",
        doc: "A random part, as large as the picture, of the picture with a black border (torchvision RandomCrop with \
              padding).",
    },
    random: true,
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

    fn apply(&self, &(top, left): &(usize, usize), pixels: &mut Pixels, scratch: &mut Scratch) {
        let shift = |start: usize| start as isize - self.padding as isize;
        cut(pixels, scratch, shift(top), shift(left), (pixels.height, pixels.width));
    }
}

/// Takes the rectangle that starts at `top`, `left`; what lies outside the picture is black.
pub(super) fn cut(pixels: &mut Pixels, scratch: &mut Scratch, top: isize, left: isize, size: (usize, usize)) {
    let from = &mut scratch.picture;
    std::mem::swap(pixels, from);
    pixels.data.clear();
    let channels = from.channels;
    pixels.resize(size, channels);
    let (rows, columns) = (inside(top, size.0, from.height), inside(left, size.1, from.width));
    if columns.is_empty() {
        return;
    }
    let shifted = |at: usize, by: isize| (at as isize + by) as usize;
    for y in rows {
        let source = (shifted(y, top) * from.width + shifted(columns.start, left)) * channels;
        let target = (y * size.1 + columns.start) * channels;
        let length = columns.len() * channels;
        pixels.data[target..target + length].copy_from_slice(&from.data[source..source + length]);
    }
}

/// Which of `count` places from `start` on lie within `0..extent`, counted from `start`.
fn inside(start: isize, count: usize, extent: usize) -> Range<usize> {
    let end = extent.saturating_add_signed(-start).min(count);
    start.min(0).unsigned_abs().min(end)..end
}
