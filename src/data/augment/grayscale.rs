//! `grayscale`: colour taken away (torchvision's `RandomGrayscale`).

use super::{Augment, Augmentation, CHANCE};
use crate::catalog::{Entry, Kind, Param};
use crate::data::{CHANNELS, Pixels};
use crate::random::Rng;

/// The word `grayscale`.
pub const WORD: Augmentation = Augmentation {
    entry: Entry {
        name: "grayscale",
        kind: Kind::Augmentation,
        params: &[Param::optional("p", CHANCE, "0.2", "How often.")],
        formula: "r = g = b = 0.2989 r + 0.587 g + 0.114 b",
        doc: "Colour taken away, three equal channels left (torchvision RandomGrayscale).",
    },
    build: |config| Ok(Box::new(Grayscale { p: config.number("p") })),
};

/// Random loss of colour.
#[derive(Clone, Debug)]
pub struct Grayscale {
    /// How often.
    pub p: f64,
}

impl Augment for Grayscale {
    type Draw = bool;

    fn draw(&self, _: (usize, usize), rng: &mut Rng) -> bool {
        rng.chance(self.p)
    }

    fn apply(&self, &gray: &bool, pixels: &mut Pixels, _: &mut Pixels) {
        if gray {
            pixels.triples_mut().for_each(|rgb| *rgb = [luma(*rgb); CHANNELS]);
        }
    }
}

/// The brightness of a colour (ITU-R 601).
pub(super) fn luma([r, g, b]: [f32; CHANNELS]) -> f32 {
    0.2989 * r + 0.587 * g + 0.114 * b
}
