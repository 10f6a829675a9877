//! `blur`: a Gaussian blur of random width (torchvision's `GaussianBlur` under `RandomApply`).

use super::weigh::weigh;
use super::{Augment, Augmentation, CHANCE, Scratch};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::data::{DataError, Pixels};
use crate::random::Rng;
use crate::simd::Path;

/// The word `blur`.
pub static WORD: Augmentation = Augmentation {
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
    random: true,
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

    fn apply(&self, draw: &BlurDraw, pixels: &mut Pixels, scratch: &mut Scratch) {
        let &Some(sigma) = draw else { return };
        let side = pixels.height.min(pixels.width);
        let half = self.kernel.map_or((side / 20).max(1), |k| k / 2).min(side - 1);
        let channels = pixels.channels;
        let Scratch { picture, offsets, across, weights, row, .. } = scratch;
        let (path, stride, margin) = (Path::current(), pixels.width * channels, half * channels);
        gaussian(half, sigma, weights);
        across.clear();
        across.extend((0..weights.len()).map(|k| k * channels));
        row.resize(stride + 2 * margin, 0.0);
        picture.resize((pixels.height, pixels.width), channels);
        for (y, out) in picture.data.chunks_exact_mut(stride).enumerate() {
            offsets.clear();
            offsets.extend((0..weights.len()).map(|k| reflect(y + k, half, pixels.height) * stride));
            weigh(path, &pixels.data, offsets, weights, &mut row[margin..margin + stride]);
            add_margins(row, half, channels);
            weigh(path, row, across, weights, out);
        }
        std::mem::swap(pixels, picture);
    }
}

/// The weights of a kernel of `2 half + 1`, which sum to 1.
fn gaussian(half: usize, sigma: f64, weights: &mut Vec<f32>) {
    let raw = |k: usize| (-0.5 * ((k as f64 - half as f64) / sigma).powi(2)).exp();
    let total: f64 = (0..=2 * half).map(raw).sum();
    weights.clear();
    weights.extend((0..=2 * half).map(|k| (raw(k) / total) as f32));
}

/// The place `at - half` of `count`, reflected at both ends.
fn reflect(at: usize, half: usize, count: usize) -> usize {
    let at = at.abs_diff(half);
    if at < count { at } else { 2 * (count - 1) - at }
}

/// Reflects a row into the `half` pixels on both sides of it.
fn add_margins(row: &mut [f32], half: usize, channels: usize) {
    let last = row.len() / channels - 1 - half;
    let mut copy = |from: usize, to: usize| {
        row.copy_within(from * channels..(from + 1) * channels, to * channels);
    };
    for k in 1..=half {
        copy(half + k, half - k);
        copy(last - k, last + k);
    }
}
