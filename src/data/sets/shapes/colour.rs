//! The colours that have names, as pale as leaves the figure and not its colour to be seen first.

use crate::data::CHANNELS;
use crate::random::Rng;

/// Red, green and blue in `0..=1`.
pub type Colour = [f32; CHANNELS];

/// The colours a copy of a figure can have, at full saturation.
pub const COLOURS: [(&str, Colour); 4] =
    [("red", [1.0, 0.0, 0.0]), ("green", [0.0, 1.0, 0.0]), ("blue", [0.0, 0.2, 1.0]), ("purple", [0.7, 0.0, 1.0])];

/// How far a copy's colour is from grey. At twice as much, crops of a picture are told by the colours in them, and a
/// contrastive method learns nothing of the figures.
const SATURATION: f32 = 0.15;

/// The shares of red, green and blue in what the eye takes for brightness (ITU-R BT.601).
const LUMA: Colour = [0.299, 0.587, 0.114];

/// A named colour as bright as asked for: `0..=1`, by [`LUMA`].
pub fn shade(name: usize, brightness: f32) -> Colour {
    let pure = COLOURS[name].1;
    let luma: f32 = pure.iter().zip(LUMA).map(|(p, share)| p * share).sum();
    pure.map(|p| {
        let full =
            if brightness < luma { p * brightness / luma } else { p + (1.0 - p) * (brightness - luma) / (1.0 - luma) };
        brightness + SATURATION * (full - brightness)
    })
}

/// The brightness of what figures lie on, which a word tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// From 0.38 to 0.44.
    Dark,
    /// From 0.50 to 0.56.
    Light,
}

impl Ground {
    /// A ground and its brightness.
    pub fn draw(rng: &mut Rng) -> (Ground, f32) {
        let (ground, low) = if rng.chance(0.5) { (Ground::Light, 0.5) } else { (Ground::Dark, 0.38) };
        (ground, rng.range(low, low + 0.06) as f32)
    }

    /// What the ground is called.
    pub fn name(self) -> &'static str {
        match self {
            Ground::Dark => "dark",
            Ground::Light => "light",
        }
    }
}
