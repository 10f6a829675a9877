//! `jitter`: brightness, contrast, saturation and hue changed in a random order (torchvision's `ColorJitter`).

use super::colour::{Change, recolour};
use super::{Augment, Augmentation, CHANCE, Scratch, no_colours};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::data::{CHANNELS, DataError, Pixels};
use crate::random::Rng;
use crate::simd::Path;

const STRENGTH: ParamType = ParamType::Number { min: 0.0, max: 10.0 };

/// The word `jitter`.
pub static WORD: Augmentation = Augmentation {
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
        doc: "Colours changed, the four changes in a random order (torchvision ColorJitter under RandomApply). Grey pictures of \
              one channel have no saturation and no hue: these stay as they are. Of other pictures brightness and \
              contrast may change, by the mean of all channels, if the strengths of the other two are 0.",
    },
    random: true,
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

    /// One pass over the pixels, or two: what comes before a change of contrast is done before the mean is known.
    fn apply(&self, draw: &JitterDraw, pixels: &mut Pixels, _: &mut Scratch) {
        let Some(steps) = draw else { return };
        if pixels.channels != CHANNELS {
            return steps.iter().for_each(|step| colourless(*step, &mut pixels.data));
        }
        let (path, pixels) = (Path::current(), pixels.triples_mut());
        let (mut changes, mut done) = ([Change::Turn(0.0); 4], 0);
        for (i, step) in steps.iter().enumerate() {
            changes[i] = match *step {
                JitterStep::Brightness(factor) => Change::Line { keep: factor as f32, add: 0.0 },
                JitterStep::Saturation(factor) => Change::Fade { keep: factor as f32, take: (1.0 - factor) as f32 },
                JitterStep::Hue(turn) => Change::Turn(turn.rem_euclid(1.0) as f32),
                JitterStep::Contrast(factor) => {
                    let mean = recolour(path, pixels, &changes[done..i]) / pixels.len() as f64;
                    done = i;
                    Change::Line { keep: factor as f32, add: ((1.0 - factor) * mean) as f32 }
                }
            };
        }
        recolour(path, pixels, &changes[done..]);
    }

    fn suit(&mut self, channels: usize) -> Result<(), DataError> {
        match channels {
            1 | CHANNELS => Ok(()),
            _ if self.p == 0.0 || self.saturation == 0.0 && self.hue == 0.0 => Ok(()),
            count => Err(no_colours("jitter", count)),
        }
    }
}

/// A change of values that are no colours.
fn colourless(step: JitterStep, values: &mut [f32]) {
    let (keep, add) = match step {
        JitterStep::Brightness(factor) => (factor as f32, 0.0),
        JitterStep::Contrast(factor) => {
            let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64;
            (factor as f32, ((1.0 - factor) * mean) as f32)
        }
        JitterStep::Saturation(_) | JitterStep::Hue(_) => return,
    };
    values.iter_mut().for_each(|v| *v = (keep * *v + add).clamp(0.0, 1.0));
}
