//! `crop`: a random part of the picture, resized (torchvision's `RandomResizedCrop`).

use super::resample::{resample, resample_image};
use super::{Augment, Augmentation, Scratch, Window};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::data::{DataError, Image, Pixels};
use crate::random::Rng;

/// The word `crop`.
pub const WORD: Augmentation = Augmentation {
    entry: Entry {
        name: "crop",
        kind: Kind::Augmentation,
        params: &[
            Param::optional(
                "scale",
                ParamType::Range { min: 1e-6, max: 1.0 },
                "0.08..1",
                "The part's area as a share of the picture's.",
            ),
            Param::optional(
                "ratio",
                ParamType::Range { min: 0.01, max: 100.0 },
                "0.75..1.3333333333333333",
                "The part's width over its height, uniform in the logarithm.",
            ),
            Param::optional(
                "size",
                ParamType::Int { min: 1, max: 4096 },
                "none",
                "Height and width of the result; the data set's where left out.",
            ),
        ],
        formula: "[H, W, 3] -> [size, size, 3]",
        doc: "A random part of the picture, resized with antialiased bilinear weights (Szegedy et al. 2014; \
              torchvision RandomResizedCrop). Ten tries to fit area and ratio, then the largest central part that fits.",
    },
    random: true,
    build: |config| {
        let (scale, ratio) = (config.range("scale"), config.range("ratio"));
        let (scale, ratio) = (scale.unwrap_or((0.08, 1.0)), ratio.unwrap_or((3.0 / 4.0, 4.0 / 3.0)));
        if !(scale.0 > 0.0 && scale.0 <= scale.1 && scale.1 <= 1.0 && ratio.0 > 0.0 && ratio.0 <= ratio.1) {
            return Err(DataError::new("crop takes a scale within 0..1 and a positive ratio, the lower end first"));
        }
        let side = config.maybe_number("size").map(|side| (side as usize).max(1));
        Ok(Box::new(Crop { scale, ratio, size: side.map(|side| (side, side)) }))
    },
};

/// Random resized crop.
#[derive(Clone, Debug)]
pub struct Crop {
    /// Bounds of the area as a share of the picture's.
    pub scale: (f64, f64),
    /// Bounds of width over height.
    pub ratio: (f64, f64),
    /// Height and width of the result; the picture's own where `None`.
    pub size: Option<(usize, usize)>,
}

/// Which part to take.
pub type CropDraw = Window;

impl Augment for Crop {
    type Draw = CropDraw;

    fn draw(&self, (height, width): (usize, usize), rng: &mut Rng) -> CropDraw {
        let area = (height * width) as f64;
        for _ in 0..10 {
            let target = area * rng.range(self.scale.0, self.scale.1);
            let ratio = rng.range(self.ratio.0.ln(), self.ratio.1.ln()).exp();
            let w = (target * ratio).sqrt().round_ties_even() as usize;
            let h = (target / ratio).sqrt().round_ties_even() as usize;
            if (1..=width).contains(&w) && (1..=height).contains(&h) {
                let (top, left) = (rng.below(height - h + 1), rng.below(width - w + 1));
                return Window { top, left, height: h, width: w };
            }
        }
        self.fallback(height, width)
    }

    fn apply(&self, draw: &CropDraw, pixels: &mut Pixels, scratch: &mut Scratch) {
        let size = self.output_size((pixels.height, pixels.width));
        resample(pixels, *draw, size, scratch);
    }

    fn apply_to(&self, draw: &CropDraw, image: &Image, out: &mut Pixels, scratch: &mut Scratch) {
        let size = self.output_size((image.height, image.width));
        resample_image(image, *draw, size, out, scratch);
    }

    fn output_size(&self, size: (usize, usize)) -> (usize, usize) {
        self.size.unwrap_or(size)
    }

    fn settles(&self) -> bool {
        self.size.is_some()
    }

    fn settle(&mut self, size: (usize, usize)) {
        self.size.get_or_insert(size);
    }
}

impl Crop {
    /// The largest central part whose ratio is allowed.
    fn fallback(&self, height: usize, width: usize) -> CropDraw {
        let ratio = width as f64 / height as f64;
        let (w, h) = if ratio < self.ratio.0 {
            (width, (width as f64 / self.ratio.0).round_ties_even() as usize)
        } else if ratio > self.ratio.1 {
            ((height as f64 * self.ratio.1).round_ties_even() as usize, height)
        } else {
            (width, height)
        };
        let (w, h) = (w.clamp(1, width), h.clamp(1, height));
        Window { top: (height - h) / 2, left: (width - w) / 2, height: h, width: w }
    }
}
