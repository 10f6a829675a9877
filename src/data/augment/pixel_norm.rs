//! `pixel_norm`: every channel shifted and scaled (torchvision's `Normalize`).

use super::{Augment, Augmentation, Scratch};
use crate::catalog::{Arg, Config, Entry, Kind, Param, ParamType};
use crate::data::{CHANNELS, DataError, Pixels};
use crate::random::Rng;
use crate::simd::{Path, multiversion};
use crate::source::Span;

/// The word `pixel_norm`.
pub static WORD: Augmentation = Augmentation {
    entry: Entry {
        name: "pixel_norm",
        kind: Kind::Augmentation,
        params: &[
            Param::required(
                "mean",
                ParamType::Numbers,
                "What is subtracted from each channel, of 1; one number is meant for all.",
            ),
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
    /// What is subtracted from each channel.
    pub mean: Vec<f32>,
    /// What each is divided by.
    pub std: Vec<f32>,
}

impl Augment for PixelNorm {
    type Draw = ();

    fn draw(&self, _: (usize, usize), _: &mut Rng) {}

    fn apply(&self, (): &(), pixels: &mut Pixels, scratch: &mut Scratch) {
        scratch.picture.resize((pixels.height, pixels.width), pixels.channels);
        self.normalise(&pixels.data, &mut scratch.picture.data);
        std::mem::swap(pixels, &mut scratch.picture);
    }

    fn normalises(&self) -> bool {
        true
    }

    fn suit(&mut self, channels: usize) -> Result<(), DataError> {
        *self = self.clone().of(channels)?;
        Ok(())
    }
}

impl PixelNorm {
    /// What is taken where nothing is known of pictures.
    pub fn unknown(channels: usize) -> Self {
        PixelNorm { mean: vec![0.5; channels], std: vec![0.25; channels] }
    }

    /// Reads a checked call of `pixel_norm`: as many numbers as it has, one standing for all.
    pub fn from_config(config: &Config) -> Result<Self, DataError> {
        if !config.is(&WORD.entry) {
            return Err(DataError::new(format!("`{}` does not normalise: `pixel_norm` does", config.name())));
        }
        let [mut mean, mut std] =
            ["mean", "std"].map(|name| config.numbers(name).into_iter().map(|x| x as f32).collect::<Vec<_>>());
        let channels = mean.len().max(std.len());
        for (name, values) in [("mean", &mut mean), ("std", &mut std)] {
            match values[..] {
                [all] => values.resize(channels, all),
                _ if values.len() == channels && channels > 0 => {}
                _ => {
                    let message = format!("`{name}` takes 3 numbers, one a channel, or 1; got {}", values.len());
                    return Err(DataError::new(message));
                }
            }
        }
        if std.iter().any(|s| !(s.is_finite() && *s > 0.0)) {
            return Err(DataError::new("the standard deviations of pixel_norm must be positive"));
        }
        if mean.iter().zip(&std).any(|(mean, std)| !((1.0 + mean.abs()) / std).is_finite()) {
            return Err(DataError::new("with such a mean or standard deviation, pixel_norm makes pixels infinite"));
        }
        Ok(PixelNorm { mean, std })
    }

    /// The same for pictures with so many channels.
    pub fn of(mut self, channels: usize) -> Result<Self, DataError> {
        if let ([mean], [std]) = (&self.mean[..], &self.std[..]) {
            self = Self { mean: vec![*mean; channels], std: vec![*std; channels] };
        }
        let count = self.mean.len();
        if count != channels {
            let message = format!("pixel_norm is of {count} channels, one a number, and pictures have {channels}");
            return Err(DataError::new(message).help("give `mean` and `std` a number for each channel, or one for all"));
        }
        Ok(self)
    }

    /// The call of `pixel_norm` that describes it.
    pub fn to_config(&self, span: Option<Span>) -> Config {
        // As decimals, a number of 32 bits is short.
        let number = |x: &f32| Arg::Number(x.to_string().parse().unwrap_or(f64::from(*x)));
        let all = |values: &[f32]| Arg::List(values.iter().map(number).collect());
        let args = vec![("mean".to_owned(), all(&self.mean)), ("std".to_owned(), all(&self.std))];
        Config { entry: &WORD.entry, args, span }
    }

    /// Writes values, `[.., channels]`, normalised.
    pub fn normalise(&self, values: &[f32], out: &mut [f32]) {
        let path = Path::current();
        match (<&[f32; CHANNELS]>::try_from(&self.mean[..]), <&[f32; CHANNELS]>::try_from(&self.std[..])) {
            (Ok(mean), Ok(std)) => shift_scale(path, values, mean, &std.map(|std| 1.0 / std), out),
            _ => {
                let scales: Vec<f32> = self.std.iter().map(|std| 1.0 / std).collect();
                shift_scale_any(path, values, &self.mean, &scales, out);
            }
        }
    }

    /// Undoes [`Augment::apply`].
    pub fn undo(&self, pixels: &mut Pixels) {
        for pixel in pixels.data.chunks_exact_mut(self.mean.len()) {
            pixel.iter_mut().zip(&self.mean).zip(&self.std).for_each(|((x, mean), std)| *x = *x * std + mean);
        }
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

multiversion! {
    /// [`shift_scale`] of any number of channels.
    fn shift_scale_any<const FMA: bool>(values: &[f32], shift: &[f32], scale: &[f32], out: &mut [f32]) {
        let channels = shift.len();
        for (from, to) in values.chunks_exact(channels).zip(out.chunks_exact_mut(channels)) {
            for c in 0..channels {
                to[c] = (from[c] - shift[c]) * scale[c];
            }
        }
    }
}
