//! How a picture is prepared for an encoder that judges or embeds it: settled once, with the recipe, and kept with the encoder.

use serde::{Deserialize, Serialize};

use super::augment::{PixelNorm, Scratch};
use super::{DataError, Frame, Image, Pipeline, Pixels};
use crate::catalog::Config;
use crate::random::Rng;

/// A pipeline without anything random that ends in a normalisation, and the size it makes every picture.
pub struct Preprocess {
    pipeline: Pipeline,
    norm: PixelNorm,
    frame: Frame,
    text: String,
}

/// The same as it is written into files: what PyTorch's users need to prepare a picture alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    /// The pipeline in the language.
    pub view: String,
    /// Height and width of what the encoder takes.
    pub size: (usize, usize),
    /// How pixels between pixels are found.
    pub interpolation: String,
    /// What is subtracted from each channel, of pixels from 0 to 1.
    pub mean: Vec<f32>,
    /// What it is then divided by.
    pub std: Vec<f32>,
}

/// Under which key a file of weights says how pictures are prepared for them.
pub const KEY: &str = "preprocess";

impl Preprocess {
    /// The preparation that steps describe for an encoder that takes pictures of that frame; the last step normalises.
    pub fn build(steps: &[Config], frame: Frame) -> Result<Self, DataError> {
        let size = frame.size;
        let written: Vec<String> = steps.iter().map(Config::to_string).collect();
        let (last, before) = steps.split_last().ok_or_else(|| DataError::new("a preparation ends in `pixel_norm`"))?;
        let norm =
            PixelNorm::from_config(last).and_then(|norm| norm.of(frame.channels)).map_err(|e| e.at(last.span))?;
        let pipeline = Pipeline::build(before, Frame { same: false, ..frame })?;
        if pipeline.output_size() != size {
            let (made, wanted) = (pipeline.output_size(), size);
            return Err(DataError::new(format!(
                "pictures are prepared to {}x{}, but the encoder takes {}x{}",
                made.0, made.1, wanted.0, wanted.1
            ))
            .help(format!("`evaluate {{ view: resize({0}) | center_crop({0}) }}` makes all of one size", wanted.0)));
        }
        Ok(Self { pipeline, norm, frame, text: written.join(" | ") })
    }

    /// Height and width of what the encoder takes.
    pub fn size(&self) -> (usize, usize) {
        self.frame.size
    }

    /// Channels of what the encoder takes.
    pub fn channels(&self) -> usize {
        self.frame.channels
    }

    /// The normalisation it ends in.
    pub fn norm(&self) -> &PixelNorm {
        &self.norm
    }

    /// How many numbers a prepared picture has.
    pub fn length(&self) -> usize {
        self.frame.size.0 * self.frame.size.1 * self.frame.channels
    }

    /// Prepares one picture: `out` is `[height, width, channels]`.
    pub fn prepare(&self, image: &Image, memory: &mut (Pixels, Scratch), out: &mut [f32]) {
        let (pixels, scratch) = memory;
        // Nothing is drawn: whatever the generator is, the result is the same.
        self.pipeline.apply_to(image, pixels, scratch, &mut Rng::new(&[]));
        self.norm.normalise(&pixels.data, out);
    }

    /// What is written into files.
    pub fn stored(&self) -> Prepared {
        Prepared {
            view: self.text.clone(),
            size: self.frame.size,
            interpolation: "bilinear, antialiased".to_owned(),
            mean: self.norm.mean.clone(),
            std: self.norm.std.clone(),
        }
    }
}
