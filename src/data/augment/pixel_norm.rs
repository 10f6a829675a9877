//! `pixel_norm`: every channel shifted and scaled (torchvision's `Normalize`).

use super::{Augment, Augmentation, Scratch};
use crate::catalog::{Arg, Config, Entry, Kind, Param, ParamType};
use crate::data::{CHANNELS, DataError, Pixels};
use crate::random::Rng;
use crate::simd::{Path, multiversion};
use crate::source::Span;

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
    random: false,
    build: |config| Ok(Box::new(PixelNorm::from_config(config)?)),
};

/// Normalisation of channels.
#[derive(Clone, Debug, PartialEq)]
pub struct PixelNorm {
    /// What is subtracted.
    pub mean: [f32; CHANNELS],
    /// What is divided by.
    pub std: [f32; CHANNELS],
}

impl Augment for PixelNorm {
    type Draw = ();

    fn draw(&self, _: (usize, usize), _: &mut Rng) {}

    fn apply(&self, (): &(), pixels: &mut Pixels, scratch: &mut Scratch) {
        scratch.picture.resize((pixels.height, pixels.width));
        self.normalise(&pixels.data, &mut scratch.picture.data);
        std::mem::swap(pixels, &mut scratch.picture);
    }

    fn normalises(&self) -> bool {
        true
    }
}

impl PixelNorm {
    /// Reads a checked call of `pixel_norm`.
    pub fn from_config(config: &Config) -> Result<Self, DataError> {
        if config.name != WORD.entry.name {
            return Err(DataError::new(format!("`{}` does not normalise: `pixel_norm` does", config.name)));
        }
        let (mean, std) = (channels(config, "mean")?, channels(config, "std")?);
        if std.iter().any(|s| !(s.is_finite() && *s > 0.0)) {
            return Err(DataError::new("the standard deviations of pixel_norm must be positive"));
        }
        if mean.iter().zip(&std).any(|(mean, std)| !((1.0 + mean.abs()) / std).is_finite()) {
            return Err(DataError::new("with such a mean or standard deviation, pixel_norm makes pixels infinite"));
        }
        Ok(PixelNorm { mean, std })
    }

    /// The call of `pixel_norm` that describes it.
    pub fn to_config(&self, span: Span) -> Config {
        // As decimals, a number of 32 bits is short.
        let number = |x: &f32| Arg::Number(x.to_string().parse().unwrap_or(f64::from(*x)));
        let all = |values: &[f32; CHANNELS]| Arg::List(values.iter().map(number).collect());
        let args = vec![("mean".to_owned(), all(&self.mean)), ("std".to_owned(), all(&self.std))];
        Config { name: WORD.entry.name.to_owned(), args, span }
    }

    /// Writes values, `[.., 3]`, normalised.
    pub fn normalise(&self, values: &[f32], out: &mut [f32]) {
        shift_scale(Path::current(), values, &self.mean, &self.std.map(|std| 1.0 / std), out);
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
    /// `out = (x - shift) * scale`, each channel its own.
    fn shift_scale<const FMA: bool>(
        values: &[f32],
        shift: &[f32; CHANNELS],
        scale: &[f32; CHANNELS],
        out: &mut [f32],
    ) {
        let (mut shifts, mut scales) = ([0.0; BLOCK], [0.0; BLOCK]);
        for i in 0..BLOCK {
            (shifts[i], scales[i]) = (shift[i % CHANNELS], scale[i % CHANNELS]);
        }
        let ((blocks, rest), (out, out_rest)) = (values.as_chunks::<BLOCK>(), out.as_chunks_mut::<BLOCK>());
        for (from, to) in blocks.iter().zip(out) {
            for i in 0..BLOCK {
                to[i] = (from[i] - shifts[i]) * scales[i];
            }
        }
        for (i, (from, to)) in rest.iter().zip(out_rest).enumerate() {
            *to = (from - shifts[i]) * scales[i];
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
