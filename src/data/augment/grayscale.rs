//! `grayscale`: colour taken away (torchvision's `RandomGrayscale`).

use super::colour::fade;
use super::{Augment, Augmentation, CHANCE, Scratch, no_colours};
use crate::catalog::{Entry, Kind, Param};
use crate::data::{CHANNELS, DataError, Pixels};
use crate::random::Rng;
use crate::simd::Path;

/// The word `grayscale`.
pub static WORD: Augmentation = Augmentation {
    entry: Entry {
        name: "grayscale",
        kind: Kind::Augmentation,
        params: &[Param::optional("p", CHANCE, "0.2", "How often.")],
        formula: "r = g = b = 0.2989 r + 0.587 g + 0.114 b",
        doc: "Colour taken away, three equal channels left (torchvision RandomGrayscale). Grey pictures of one channel stay as \
              they are; of others it has no meaning.",
    },
    random: true,
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

    fn apply(&self, &gray: &bool, pixels: &mut Pixels, _: &mut Scratch) {
        if gray && pixels.channels == CHANNELS {
            fade(Path::current(), pixels.triples_mut());
        }
    }

    fn suit(&mut self, channels: usize) -> Result<(), DataError> {
        match channels {
            1 | CHANNELS => Ok(()),
            _ if self.p == 0.0 => Ok(()),
            count => Err(no_colours("grayscale", count)),
        }
    }
}
