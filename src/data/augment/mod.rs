//! The augmentations of the language: one file each, listed here.
//!
//! Their meaning is torchvision's (`transforms.v2`) on float images in `0..=1`, as if `ToImage` and
//! `ToDtype(float32, scale=True)` came first: nothing is rounded to bytes between steps.

mod blur;
pub mod center_crop;
mod colour;
pub mod crop;
mod fit;
pub mod flip;
mod grayscale;
mod jitter;
mod pad_crop;
mod pixel_norm;
mod resample;
pub mod resize;
mod scratch;
mod solarize;
mod weigh;

pub use blur::{Blur, BlurDraw};
pub use center_crop::CenterCrop;
pub use crop::{Crop, CropDraw, Side};
pub use fit::Fit;
pub use flip::Flip;
pub use grayscale::Grayscale;
pub use jitter::{Jitter, JitterDraw, JitterStep};
pub use pad_crop::PadCrop;
pub use pixel_norm::PixelNorm;
pub use resample::{Window, resample_image};
pub use resize::Resize;
pub use scratch::Scratch;
pub use solarize::Solarize;

use super::{DataError, Image, Pixels};
use crate::catalog::{Config, Entry, ParamType};
use crate::random::Rng;

/// A random change of a picture: what is drawn and what is done with it are apart, so that both can be tested.
pub trait Augment {
    /// What is random about one application.
    type Draw;

    /// Draws for an image of this height and width.
    fn draw(&self, size: (usize, usize), rng: &mut Rng) -> Self::Draw;

    /// Applies one draw in place.
    fn apply(&self, draw: &Self::Draw, pixels: &mut Pixels, scratch: &mut Scratch);

    /// Applies one draw to an image; to be said where not all of it is needed.
    fn apply_to(&self, draw: &Self::Draw, image: &Image, out: &mut Pixels, scratch: &mut Scratch) {
        out.load(image);
        self.apply(draw, out, scratch);
    }

    /// Height and width of the result for an image of the given ones.
    fn output_size(&self, size: (usize, usize)) -> (usize, usize) {
        size
    }

    /// Whether the result has the same size whatever that of the picture is.
    fn settles(&self) -> bool {
        false
    }

    /// Takes this size for that of a result that would be as large as the picture: the pictures have sizes of their own.
    fn settle(&mut self, _size: (usize, usize)) {}

    /// Whether the result is normalised, no longer in `0..=1`.
    fn normalises(&self) -> bool {
        false
    }

    /// Makes itself one for pictures with so many channels, or says why it has no meaning for them.
    fn suit(&mut self, _channels: usize) -> Result<(), DataError> {
        Ok(())
    }
}

/// An [`Augment`] whose draws are its own business: a step of a pipeline.
pub trait Step: Send + Sync {
    /// Draws and applies in place.
    fn run(&self, pixels: &mut Pixels, scratch: &mut Scratch, rng: &mut Rng);

    /// Draws and applies to an image.
    fn run_on(&self, image: &Image, out: &mut Pixels, scratch: &mut Scratch, rng: &mut Rng);

    /// Height and width of the result for an image of the given ones.
    fn output_size(&self, size: (usize, usize)) -> (usize, usize);

    /// See [`Augment::settles`].
    fn settles(&self) -> bool;

    /// See [`Augment::settle`].
    fn settle(&mut self, size: (usize, usize));

    /// Whether the result is normalised, no longer in `0..=1`.
    fn normalises(&self) -> bool;

    /// See [`Augment::suit`].
    fn suit(&mut self, channels: usize) -> Result<(), DataError>;
}

impl<A: Augment + Send + Sync> Step for A {
    fn run(&self, pixels: &mut Pixels, scratch: &mut Scratch, rng: &mut Rng) {
        let draw = self.draw((pixels.height, pixels.width), rng);
        self.apply(&draw, pixels, scratch);
    }

    fn run_on(&self, image: &Image, out: &mut Pixels, scratch: &mut Scratch, rng: &mut Rng) {
        let draw = self.draw((image.height, image.width), rng);
        self.apply_to(&draw, image, out, scratch);
    }

    fn output_size(&self, size: (usize, usize)) -> (usize, usize) {
        Augment::output_size(self, size)
    }

    fn settles(&self) -> bool {
        Augment::settles(self)
    }

    fn settle(&mut self, size: (usize, usize)) {
        Augment::settle(self, size);
    }

    fn normalises(&self) -> bool {
        Augment::normalises(self)
    }

    fn suit(&mut self, channels: usize) -> Result<(), DataError> {
        Augment::suit(self, channels)
    }
}

/// An augmentation's word and how to make it from its arguments.
pub struct Augmentation {
    /// Its signature and documentation.
    pub entry: Entry,
    /// Whether it may draw at random.
    pub random: bool,
    /// Makes the step.
    pub build: fn(&Config) -> Result<Box<dyn Step>, DataError>,
}

/// Every augmentation there is.
pub static AUGMENTATIONS: &[&Augmentation] = &[
    &crop::WORD,
    &resize::WORD,
    &center_crop::WORD,
    &pad_crop::WORD,
    &flip::WORD,
    &jitter::WORD,
    &grayscale::WORD,
    &blur::WORD,
    &solarize::WORD,
    &pixel_norm::WORD,
];

/// The augmentation that is called; `None` where another word is.
pub fn augmentation(config: &Config) -> Option<&'static Augmentation> {
    AUGMENTATIONS.iter().copied().find(|a| config.is(&a.entry))
}

/// The step a configuration describes, for pictures with so many channels.
pub fn build(config: &Config, channels: usize) -> Result<Box<dyn Step>, DataError> {
    let word = augmentation(config).ok_or_else(|| {
        let names: Vec<_> = AUGMENTATIONS.iter().map(|a| a.entry.name).collect();
        DataError::new(format!("`{}` is no augmentation", config.name()))
            .help(format!("there are: {}", names.join(", ")))
            .at(config.span)
    })?;
    let suited = (word.build)(config).and_then(|mut step| step.suit(channels).map(|()| step));
    suited.map_err(|e| e.at(config.span))
}

/// What is said of a step that changes colours, of pictures whose channels are none.
fn no_colours(word: &str, channels: usize) -> DataError {
    let error =
        DataError::new(format!("`{word}` changes red, green and blue, and these pictures have {channels} channels"));
    error.help(
        "leave it out; in the pipelines of the library `colour: 0` does, as in `--set a.colour=0` for the view `a`; brightness and \
         contrast of any channels change by `jitter(saturation: 0, hue: 0)`",
    )
}

/// The type of a probability.
pub(super) const CHANCE: ParamType = ParamType::Number { min: 0.0, max: 1.0 };

/// The argument `size`, which must be given.
fn side(config: &Config, word: &str) -> Result<usize, DataError> {
    match config.int("size") {
        0 => Err(DataError::new(format!("{word} needs a size of at least 1"))),
        size => Ok(size),
    }
}
