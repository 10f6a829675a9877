//! Changes of colour, many pixels at a time. No product is fused with its sum, so pixels are the same bits on every processor.

use crate::data::CHANNELS;
use crate::simd::multiversion;

/// A change of a pixel's colour; what comes of it is clamped to `0..=1`.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// `keep x + add`.
    Line {
        /// Factor.
        keep: f32,
        /// Summand.
        add: f32,
    },
    /// `keep x + take luma(x)`.
    Fade {
        /// Factor of the value.
        keep: f32,
        /// Factor of the pixel's brightness.
        take: f32,
    },
    /// Hue turned by a part of the circle in `0..1`, saturation and value kept.
    Turn(f32),
}

/// Pixels changed at a time: what they need stays in the nearest cache.
const BLOCK: usize = 256;

/// The red, green and blue of a block.
type Planes = [[f32; BLOCK]; CHANNELS];

multiversion! {
    /// Makes the changes in order, in one pass, and returns the sum of the brightness of the pixels that come of it.
    pub fn recolour<const FMA: bool>(pixels: &mut [[f32; CHANNELS]], changes: &[Change]) -> f64 {
        let (mut planes, mut total) = ([[0.0; BLOCK]; CHANNELS], 0.0);
        for block in pixels.chunks_mut(BLOCK) {
            load(block, &mut planes);
            for &change in changes {
                apply(change, &mut planes);
            }
            if !changes.is_empty() {
                store(&planes, block);
            }
            total += f64::from(brightness(&planes, block.len()));
        }
        total
    }
}

multiversion! {
    /// Takes colour away.
    pub fn fade<const FMA: bool>(pixels: &mut [[f32; CHANNELS]]) {
        for rgb in pixels {
            *rgb = [luma(*rgb); CHANNELS];
        }
    }
}

/// The brightness of a colour (ITU-R 601).
#[inline(always)]
fn luma([r, g, b]: [f32; CHANNELS]) -> f32 {
    0.2989 * r + 0.587 * g + 0.114 * b
}

#[inline(always)]
fn load(block: &[[f32; CHANNELS]], [red, green, blue]: &mut Planes) {
    for (((rgb, r), g), b) in block.iter().zip(red).zip(green).zip(blue) {
        [*r, *g, *b] = *rgb;
    }
}

#[inline(always)]
fn store([red, green, blue]: &Planes, block: &mut [[f32; CHANNELS]]) {
    for (((rgb, r), g), b) in block.iter_mut().zip(red).zip(green).zip(blue) {
        *rgb = [*r, *g, *b];
    }
}

#[inline(always)]
fn apply(change: Change, [red, green, blue]: &mut Planes) {
    match change {
        Change::Line { keep, add } => {
            for plane in [red, green, blue] {
                for v in plane {
                    *v = clamp(keep * *v + add);
                }
            }
        }
        Change::Fade { keep, take } => {
            for i in 0..BLOCK {
                let add = take * luma([red[i], green[i], blue[i]]);
                red[i] = clamp(keep * red[i] + add);
                green[i] = clamp(keep * green[i] + add);
                blue[i] = clamp(keep * blue[i] + add);
            }
        }
        Change::Turn(turn) => {
            for i in 0..BLOCK {
                [red[i], green[i], blue[i]] = turn_hue([red[i], green[i], blue[i]], 6.0 * turn);
            }
        }
    }
}

/// Hue is a place on a circle of six parts (Smith 1978): each channel is the value less the chroma times how far, at most 1, the
/// place is beyond the part of the circle where the channel is the largest.
#[inline(always)]
fn turn_hue([r, g, b]: [f32; CHANNELS], turn: f32) -> [f32; CHANNELS] {
    let value = larger(larger(r, g), b);
    let chroma = value - smaller(smaller(r, g), b);
    let (base, difference) = if value == g { (2.0, b - r) } else { (4.0, r - g) };
    let (base, difference) = if value == r { (0.0, g - b) } else { (base, difference) };
    let hue = base + difference / larger(chroma, f32::MIN_POSITIVE) + turn;
    let hue = if hue < 0.0 { hue + 6.0 } else { hue };
    let hue = if hue >= 6.0 { hue - 6.0 } else { hue };
    let (r, g, b) = (2.0 - (hue - 3.0).abs(), (hue - 2.0).abs() - 1.0, (hue - 4.0).abs() - 1.0);
    [clamp(value - chroma * clamp(r)), clamp(value - chroma * clamp(g)), clamp(value - chroma * clamp(b))]
}

/// The sum of the brightness of the first `count` pixels.
#[inline(always)]
fn brightness([red, green, blue]: &Planes, count: usize) -> f32 {
    let mut sums = [0.0; 16];
    for i in (0..count - count % 16).step_by(16) {
        for lane in 0..16 {
            sums[lane] += luma([red[i + lane], green[i + lane], blue[i + lane]]);
        }
    }
    let mut total = sums.iter().sum();
    for i in count - count % 16..count {
        total += luma([red[i], green[i], blue[i]]);
    }
    total
}

// Unlike the methods of f32, these are one instruction each, as they need not heed NaN.

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn clamp(v: f32) -> f32 {
    smaller(larger(v, 0.0), 1.0)
}
