//! `pixel_norm`: every channel shifted and scaled (torchvision's `Normalize`).

use super::{Augment, Augmentation};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::data::{CHANNELS, DataError, Pixels};
use crate::random::Rng;

/// The word `pixel_norm`.
pub const WORD: Augmentation = Augmentation {
    entry: Entry {
        name: "pixel_norm",
        kind: Kind::Augmentation,
        params: &[
            Param::required("mean", ParamType::Numbers, "What is subtracted from red, green and blue, of 1."),
            Param::required("std", ParamType::Numbers, "What they are then divided by."),
        ],
        formula: "x[c] -> (x[c] - mean[c]) / std[c]",
        doc: "Every channel shifted and scaled (torchvision Normalize). A view without it is normalised by the data \
              set's own mean and standard deviation.",
    },
    build: |config| {
        let (mean, std) = (channels(config, "mean")?, channels(config, "std")?);
        if std.iter().any(|s| !(s.is_finite() && *s > 0.0)) {
            return Err(DataError::new("the standard deviations of pixel_norm must be positive"));
        }
        Ok(Box::new(PixelNorm { mean, std }))
    },
};

/// Normalisation of channels.
#[derive(Clone, Debug)]
pub struct PixelNorm {
    /// What is subtracted.
    pub mean: [f32; CHANNELS],
    /// What is divided by.
    pub std: [f32; CHANNELS],
}

impl Augment for PixelNorm {
    type Draw = ();

    fn draw(&self, _: (usize, usize), _: &mut Rng) {}

    fn apply(&self, (): &(), pixels: &mut Pixels, _: &mut Pixels) {
        pixels.triples_mut().for_each(|rgb| *rgb = self.normalise(*rgb));
    }

    fn normalises(&self) -> bool {
        true
    }
}

impl PixelNorm {
    /// One pixel normalised.
    pub fn normalise(&self, rgb: [f32; CHANNELS]) -> [f32; CHANNELS] {
        std::array::from_fn(|c| (rgb[c] - self.mean[c]) / self.std[c])
    }

    /// Undoes [`Augment::apply`].
    pub fn undo(&self, pixels: &mut Pixels) {
        pixels.triples_mut().for_each(|rgb| *rgb = std::array::from_fn(|c| rgb[c] * self.std[c] + self.mean[c]));
    }
}

/// A number for each channel; one number stands for all.
fn channels(config: &Config, name: &str) -> Result<[f32; CHANNELS], DataError> {
    match config.numbers(name)[..] {
        [all] => Ok([all as f32; CHANNELS]),
        [r, g, b] => Ok([r as f32, g as f32, b as f32]),
        ref other => Err(DataError::new(format!("`{name}` takes 3 numbers, one a channel, or 1; got {}", other.len()))),
    }
}
