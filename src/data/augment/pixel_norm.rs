//! `pixel_norm`: every channel shifted and scaled (torchvision's `Normalize`).

use super::{Augment, Augmentation, Scratch};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::data::{CHANNELS, DataError, Pixels};
use crate::random::Rng;
use crate::simd::{Path, multiversion};

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

    fn apply(&self, (): &(), pixels: &mut Pixels, _: &mut Scratch) {
        self.normalise(&mut pixels.data);
    }

    fn normalises(&self) -> bool {
        true
    }
}

impl PixelNorm {
    /// Normalises values, `[.., 3]`, in place.
    pub fn normalise(&self, values: &mut [f32]) {
        shift_scale(Path::current(), values, &self.mean, &self.std.map(|std| 1.0 / std));
    }

    /// Undoes [`Augment::apply`].
    pub fn undo(&self, pixels: &mut Pixels) {
        let undone = |rgb: [f32; CHANNELS]| std::array::from_fn(|c| rgb[c] * self.std[c] + self.mean[c]);
        pixels.triples_mut().iter_mut().for_each(|rgb| *rgb = undone(*rgb));
    }
}

/// Values changed at a time: whole pixels and whole vectors.
const BLOCK: usize = 8 * CHANNELS;

multiversion! {
    /// `(x - shift) * scale`, each channel its own.
    fn shift_scale<const FMA: bool>(values: &mut [f32], shift: &[f32; CHANNELS], scale: &[f32; CHANNELS]) {
        let shifts: [f32; BLOCK] = std::array::from_fn(|i| shift[i % CHANNELS]);
        let scales: [f32; BLOCK] = std::array::from_fn(|i| scale[i % CHANNELS]);
        let (blocks, rest) = values.as_chunks_mut::<BLOCK>();
        for block in blocks {
            for i in 0..BLOCK {
                block[i] = (block[i] - shifts[i]) * scales[i];
            }
        }
        for (i, v) in rest.iter_mut().enumerate() {
            *v = (*v - shifts[i]) * scales[i];
        }
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
