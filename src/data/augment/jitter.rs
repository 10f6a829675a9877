//! `jitter`: brightness, contrast, saturation and hue changed in a random order (torchvision's `ColorJitter`).

use super::grayscale::luma;
use super::{Augment, Augmentation, CHANCE};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::data::{CHANNELS, Pixels};
use crate::random::Rng;

const STRENGTH: ParamType = ParamType::Number { min: 0.0, max: 10.0 };

/// The word `jitter`.
pub const WORD: Augmentation = Augmentation {
    entry: Entry {
        name: "jitter",
        kind: Kind::Augmentation,
        params: &[
            Param::optional("brightness", STRENGTH, "0.4", "Factor uniform in 1 - b .. 1 + b, not below 0."),
            Param::optional("contrast", STRENGTH, "0.4", "Factor uniform in 1 - c .. 1 + c, not below 0."),
            Param::optional("saturation", STRENGTH, "0.4", "Factor uniform in 1 - s .. 1 + s, not below 0."),
            Param::optional(
                "hue",
                ParamType::Number { min: 0.0, max: 0.5 },
                "0.1",
                "Turn uniform in -h .. h, of a whole circle.",
            ),
            Param::optional("p", CHANCE, "0.8", "How often."),
        ],
        formula: "brightness: f x; contrast: f x + (1 - f) mean(gray); saturation: f x + (1 - f) gray; hue: turned in HSV; each clamped to 0..1",
        doc: "Colours changed, the four changes in a random order (torchvision ColorJitter under RandomApply).",
    },
    build: |config| {
        Ok(Box::new(Jitter {
            brightness: config.number("brightness"),
            contrast: config.number("contrast"),
            saturation: config.number("saturation"),
            hue: config.number("hue"),
            p: config.number("p"),
        }))
    },
};

/// Random colours.
#[derive(Clone, Debug)]
pub struct Jitter {
    /// How far the brightness factor may be from 1.
    pub brightness: f64,
    /// How far the contrast factor may be from 1.
    pub contrast: f64,
    /// How far the saturation factor may be from 1.
    pub saturation: f64,
    /// How far the hue may turn, of a whole circle.
    pub hue: f64,
    /// How often.
    pub p: f64,
}

/// One of the changes, with its factor or turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum JitterStep {
    /// Values times a factor.
    Brightness(f64),
    /// Distance to the mean gray times a factor.
    Contrast(f64),
    /// Distance to each pixel's gray times a factor.
    Saturation(f64),
    /// Hue turned by a part of the circle.
    Hue(f64),
}

/// The changes in order; none where the jitter is left out.
pub type JitterDraw = Option<[JitterStep; 4]>;

impl Augment for Jitter {
    type Draw = JitterDraw;

    fn draw(&self, _: (usize, usize), rng: &mut Rng) -> JitterDraw {
        if !rng.chance(self.p) {
            return None;
        }
        let mut factor = |strength: f64| rng.range((1.0 - strength).max(0.0), 1.0 + strength);
        let mut steps = [
            JitterStep::Brightness(factor(self.brightness)),
            JitterStep::Contrast(factor(self.contrast)),
            JitterStep::Saturation(factor(self.saturation)),
            JitterStep::Hue(rng.range(-self.hue, self.hue)),
        ];
        rng.shuffle(&mut steps);
        Some(steps)
    }

    fn apply(&self, draw: &JitterDraw, pixels: &mut Pixels, _: &mut Pixels) {
        draw.iter().flatten().for_each(|step| step.apply(pixels));
    }
}

impl JitterStep {
    fn apply(self, pixels: &mut Pixels) {
        match self {
            JitterStep::Brightness(factor) => blend(pixels, factor, |_| 0.0),
            JitterStep::Contrast(factor) => {
                let total: f64 = pixels.triples().map(|rgb| f64::from(luma(rgb))).sum();
                let mean = (total / (pixels.height * pixels.width) as f64) as f32;
                blend(pixels, factor, |_| mean);
            }
            JitterStep::Saturation(factor) => blend(pixels, factor, luma),
            JitterStep::Hue(turn) => pixels.triples_mut().for_each(|rgb| *rgb = turn_hue(*rgb, turn as f32)),
        }
    }
}

/// `factor x + (1 - factor) other(x)`, clamped.
fn blend(pixels: &mut Pixels, factor: f64, other: impl Fn([f32; CHANNELS]) -> f32) {
    let (keep, take) = (factor as f32, (1.0 - factor) as f32);
    for rgb in pixels.triples_mut() {
        let base = take * other(*rgb);
        rgb.iter_mut().for_each(|v| *v = (keep * *v + base).clamp(0.0, 1.0));
    }
}

/// The same colour with its hue turned, saturation and value kept.
fn turn_hue([r, g, b]: [f32; CHANNELS], turn: f32) -> [f32; CHANNELS] {
    let value = r.max(g).max(b);
    let chroma = value - r.min(g).min(b);
    if chroma == 0.0 {
        return [r, g, b];
    }
    let sextant = if value == r {
        (g - b) / chroma
    } else if value == g {
        2.0 + (b - r) / chroma
    } else {
        4.0 + (r - g) / chroma
    };
    let hue = sextant + 6.0 * turn;
    // Each channel as a function of hue (Smith 1978): value - chroma * clamp(min(k, 4 - k), 0, 1).
    [5.0f32, 3.0, 1.0].map(|offset| {
        let k = (offset + hue).rem_euclid(6.0);
        (value - chroma * k.min(4.0 - k).clamp(0.0, 1.0)).clamp(0.0, 1.0)
    })
}
