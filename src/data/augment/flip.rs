//! `flip`: left and right exchanged (torchvision's `RandomHorizontalFlip`).

use super::{Augment, Augmentation, CHANCE, Scratch};
use crate::catalog::{Entry, Kind, Param};
use crate::data::{CHANNELS, Pixels};
use crate::random::Rng;

/// The word `flip`.
pub static WORD: Augmentation = Augmentation {
    entry: Entry {
        name: "flip",
        kind: Kind::Augmentation,
        params: &[Param::optional("p", CHANCE, "0.5", "How often.")],
        formula: "x[h, w] -> x[h, W - 1 - w]",
        doc: "Left and right exchanged (torchvision RandomHorizontalFlip).",
    },
    random: true,
    build: |config| Ok(Box::new(Flip { p: config.number("p") })),
};

/// Random mirror image.
#[derive(Clone, Debug)]
pub struct Flip {
    /// How often.
    pub p: f64,
}

impl Augment for Flip {
    type Draw = bool;

    fn draw(&self, _: (usize, usize), rng: &mut Rng) -> bool {
        rng.chance(self.p)
    }

    fn apply(&self, &flip: &bool, pixels: &mut Pixels, _: &mut Scratch) {
        if flip {
            let (channels, width) = (pixels.channels, pixels.width * pixels.channels);
            for row in pixels.data.chunks_exact_mut(width) {
                match channels {
                    CHANNELS => row.as_chunks_mut::<CHANNELS>().0.reverse(),
                    _ => {
                        row.reverse();
                        row.chunks_exact_mut(channels).for_each(<[f32]>::reverse);
                    }
                }
            }
        }
    }
}
