//! `crop`: a random part of the picture, resized (torchvision's `RandomResizedCrop`).

use super::resample::{resample, resample_image};
use super::{Augment, Augmentation, Scratch, Window};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::data::{DataError, Image, Pixels};
use crate::random::Rng;

/// The word `crop`.
pub static WORD: Augmentation = Augmentation {
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
                ParamType::Number { min: 0.01, max: 4096.0 },
                "none",
                "Height and width of the result; below 1, as a share of the data set's in whole eighths (or sevenths); as large as that where left out.",
            ),
        ],
        formula: "[H, W, C] -> [size, size, C]",
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
        let side = match config.maybe_number("size") {
            None => Side::Share(1.0),
            Some(share) if share < 1.0 => Side::Share(share),
            Some(side) if side.fract() == 0.0 => Side::Fixed(side as usize, side as usize),
            Some(side) => return Err(DataError::new(format!("a crop of {side} pixels has no whole number of them"))),
        };
        Ok(Box::new(Crop { scale, ratio, side }))
    },
};

/// Random resized crop.
#[derive(Clone, Debug)]
pub struct Crop {
    /// Bounds of the area as a share of the picture's.
    pub scale: (f64, f64),
    /// Bounds of width over height.
    pub ratio: (f64, f64),
    /// How large the result is.
    pub side: Side,
}

/// How large a crop is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    /// So large.
    Fixed(usize, usize),
    /// A share of the picture, or of what pictures are taken for where they have sizes of their own.
    Share(f64),
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
        // In whole eighths, or sevenths where eighths are no whole pixels: what divides the whole into patches divides the part.
        let share = |extent: usize, share: f64| {
            let part = [8, 7].into_iter().find(|n| extent.is_multiple_of(*n)).map_or(1, |n| extent / n);
            let parts = (extent as f64 * share / part as f64 - 1e-9).round() as usize;
            parts.max(1) * part
        };
        match self.side {
            Side::Fixed(height, width) => (height, width),
            Side::Share(part) => (share(size.0, part), share(size.1, part)),
        }
    }

    fn settles(&self) -> bool {
        matches!(self.side, Side::Fixed(..))
    }

    fn settle(&mut self, size: (usize, usize)) {
        let (height, width) = self.output_size(size);
        self.side = Side::Fixed(height, width);
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
