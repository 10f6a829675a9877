//! `blur`: a Gaussian blur of random width (torchvision's `GaussianBlur` under `RandomApply`).

use super::{Augment, Augmentation, CHANCE};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::data::{CHANNELS, DataError, Pixels};
use crate::random::Rng;

/// The word `blur`.
pub const WORD: Augmentation = Augmentation {
    entry: Entry {
        name: "blur",
        kind: Kind::Augmentation,
        params: &[
            Param::optional("p", CHANCE, "0.5", "How often."),
            Param::optional(
                "sigma",
                ParamType::Range { min: 1e-3, max: 100.0 },
                "0.1..2",
                "Standard deviation in pixels.",
            ),
            Param::optional(
                "kernel",
                ParamType::Int { min: 1, max: 255 },
                "none",
                "Side of the kernel, odd; where left out, a tenth of the picture's side made odd, 3 at least.",
            ),
        ],
        formula: "x -> k_sigma * x, edges reflected",
        doc: "Gaussian blur (Chen et al. 2020, appendix A; torchvision GaussianBlur).",
    },
    build: |config| {
        let kernel = config.maybe_number("kernel").map(|k| k as usize);
        if kernel.is_some_and(|k| k % 2 == 0) {
            return Err(DataError::new("the kernel of blur must be odd"));
        }
        let sigma = config.range("sigma").unwrap_or((0.1, 2.0));
        Ok(Box::new(Blur { p: config.number("p"), sigma, kernel }))
    },
};

/// Random Gaussian blur.
#[derive(Clone, Debug)]
pub struct Blur {
    /// How often.
    pub p: f64,
    /// Bounds of the standard deviation in pixels.
    pub sigma: (f64, f64),
    /// Side of the kernel; by the picture's size where `None`.
    pub kernel: Option<usize>,
}

/// The standard deviation of one blur; `None`: no blur.
pub type BlurDraw = Option<f64>;

impl Augment for Blur {
    type Draw = BlurDraw;

    fn draw(&self, _: (usize, usize), rng: &mut Rng) -> BlurDraw {
        rng.chance(self.p).then(|| rng.range(self.sigma.0, self.sigma.1))
    }

    fn apply(&self, draw: &BlurDraw, pixels: &mut Pixels, spare: &mut Pixels) {
        let &Some(sigma) = draw else { return };
        let side = pixels.height.min(pixels.width);
        let half = self.kernel.map_or((side / 20).max(1), |k| k / 2).min(side - 1);
        let weights = gaussian(half, sigma);
        let row = pixels.width * CHANNELS;
        spare.copy_from(pixels);
        blend(&spare.data, &mut pixels.data, row, &weights);
        spare.copy_from(pixels);
        for (from, to) in spare.data.chunks_exact(row).zip(pixels.data.chunks_exact_mut(row)) {
            blend(from, to, CHANNELS, &weights);
        }
    }
}

/// The weights of a kernel of `2 half + 1`, which sum to 1.
fn gaussian(half: usize, sigma: f64) -> Vec<f32> {
    let raw: Vec<f64> = (0..=2 * half).map(|k| (-0.5 * ((k as f64 - half as f64) / sigma).powi(2)).exp()).collect();
    let total: f64 = raw.iter().sum();
    raw.iter().map(|w| (w / total) as f32).collect()
}

/// Replaces each item of `stride` values by the weighted sum of its neighbours, reflected at both ends.
fn blend(from: &[f32], to: &mut [f32], stride: usize, weights: &[f32]) {
    let (count, half) = ((from.len() / stride) as isize, (weights.len() / 2) as isize);
    for (i, out) in to.chunks_exact_mut(stride).enumerate() {
        out.fill(0.0);
        for (k, weight) in weights.iter().enumerate() {
            let at = (i as isize + k as isize - half).abs();
            let at = if at >= count { 2 * (count - 1) - at } else { at } as usize;
            for (o, v) in out.iter_mut().zip(&from[at * stride..(at + 1) * stride]) {
                *o += weight * v;
            }
        }
    }
}
