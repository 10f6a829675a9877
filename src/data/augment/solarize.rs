//! `solarize`: bright values inverted (torchvision's `RandomSolarize`).

use super::{Augment, Augmentation, CHANCE, Scratch};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::data::Pixels;
use crate::random::Rng;

/// The word `solarize`.
pub static WORD: Augmentation = Augmentation {
    entry: Entry {
        name: "solarize",
        kind: Kind::Augmentation,
        params: &[
            Param::optional("p", CHANCE, "0.2", "How often."),
            Param::optional(
                "threshold",
                ParamType::Number { min: 0.0, max: 256.0 },
                "128",
                "Of 255, the first value to be inverted.",
            ),
        ],
        formula: "x -> 1 - x where 255 x >= threshold",
        doc: "Bright values inverted (Grill et al. 2020; torchvision RandomSolarize).",
    },
    random: true,
    build: |config| Ok(Box::new(Solarize { p: config.number("p"), threshold: config.number("threshold") })),
};

/// Random inversion of bright values.
#[derive(Clone, Debug)]
pub struct Solarize {
    /// How often.
    pub p: f64,
    /// The first value inverted, on the scale of 0 to 255.
    pub threshold: f64,
}

impl Augment for Solarize {
    type Draw = bool;

    fn draw(&self, _: (usize, usize), rng: &mut Rng) -> bool {
        rng.chance(self.p)
    }

    fn apply(&self, &solarize: &bool, pixels: &mut Pixels, _: &mut Scratch) {
        if solarize {
            let threshold = (self.threshold / 255.0) as f32;
            pixels.data.iter_mut().for_each(|v| *v = if *v >= threshold { 1.0 - *v } else { *v });
        }
    }
}
