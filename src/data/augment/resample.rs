//! Bilinear resizing of a window of a picture, antialiased as `interpolate(mode="bilinear", antialias=True)` of PyTorch.

use super::Scratch;
use super::weigh::{Value, weigh, weigh_any, weigh_pixels};
use crate::data::{CHANNELS, Image, Pixels};
use crate::simd::Path;

/// A rectangle of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Window {
    /// All of a picture of this height and width.
    pub fn whole((height, width): (usize, usize)) -> Self {
        Self { top: 0, left: 0, height, width }
    }
}

/// Resizes a window of `image` to a height and width, straight from its bytes; nothing outside the window is looked at.
pub fn resample_image(image: &Image, window: Window, size: (usize, usize), out: &mut Pixels, scratch: &mut Scratch) {
    scratch.rows.set(window.height, size.0, 1.0 / 255.0);
    make_rows((&image.data, image.width, image.channels), window, size, out, scratch);
}

/// Resizes a window of `pixels` to a height and width, in place; nothing outside the window is looked at.
pub fn resample(pixels: &mut Pixels, window: Window, size: (usize, usize), scratch: &mut Scratch) {
    let mut out = std::mem::take(&mut scratch.picture);
    scratch.rows.set(window.height, size.0, 1.0);
    make_rows((&pixels.data, pixels.width, pixels.channels), window, size, &mut out, scratch);
    scratch.picture = std::mem::replace(pixels, out);
}

/// Makes every row of the result in one go: first across the rows of the window, whose weights are set, then along the one
/// that comes of it.
fn make_rows<T: Value>(
    (data, width, channels): (&[T], usize, usize),
    window: Window,
    size: (usize, usize),
    out: &mut Pixels,
    scratch: &mut Scratch,
) {
    let Scratch { rows, columns, offsets, row, wide, .. } = scratch;
    let path = Path::current();
    columns.set(window.width, size.1, 1.0);
    let values = window.width * channels;
    row.resize(values + 1, 0.0);
    wide.clear();
    wide.resize(window.width.max(columns.taps), [0.0; 4]);
    out.resize(size, channels);
    for (y, line) in out.data.chunks_exact_mut(size.1 * channels).enumerate() {
        let start = |k: usize| {
            let inside = (rows.first[y] + k).min(window.height - 1);
            ((window.top + inside) * width + window.left) * channels
        };
        offsets.clear();
        offsets.extend((0..rows.taps).map(start));
        weigh(path, data, offsets, &rows.weights[y * rows.taps..][..rows.taps], &mut row[..values]);
        if channels != CHANNELS {
            weigh_any(path, &row[..values], channels, &columns.first, &columns.weights, line);
            continue;
        }
        for (four, pixel) in wide.iter_mut().zip(row.windows(4).step_by(CHANNELS)) {
            four.copy_from_slice(pixel);
        }
        weigh_pixels(path, wide, &columns.first, &columns.weights, line);
    }
}

/// Which inputs each output of one axis is made of.
#[derive(Default)]
pub struct Axis {
    /// How many inputs make an output.
    taps: usize,
    /// The first of them, an output each.
    first: Vec<usize>,
    /// Their weights, `[output, taps]`; 0 where an input is beyond the last.
    weights: Vec<f32>,
}

impl Axis {
    /// A triangle as wide as the reduction, and no narrower than one input; the weights of an output sum to `total`.
    fn set(&mut self, input: usize, output: usize, total: f64) {
        let scale = input as f64 / output as f64;
        let (support, slope) = (scale.max(1.0), 1.0 / scale.max(1.0));
        self.taps = (2.0 * support).ceil() as usize;
        self.first.clear();
        self.weights.resize(output * self.taps, 0.0);
        for (i, weights) in self.weights.chunks_exact_mut(self.taps).enumerate() {
            let centre = scale * (i as f64 + 0.5);
            let first = ((centre - support + 0.5).max(0.0) as usize).min(input.saturating_sub(self.taps));
            let offset = first as f64 - centre + 0.5;
            let mut sum = 0.0;
            for (k, weight) in weights.iter_mut().enumerate() {
                let inside = if first + k < input { 1.0 } else { 0.0 };
                *weight = (inside * (1.0 - (offset + k as f64).abs() * slope).max(0.0)) as f32;
                sum += f64::from(*weight);
            }
            let share = (total / sum) as f32;
            weights.iter_mut().for_each(|weight| *weight *= share);
            self.first.push(first);
        }
    }
}
