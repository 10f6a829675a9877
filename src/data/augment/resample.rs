//! Bilinear resizing of a window of a picture, antialiased as `interpolate(mode="bilinear", antialias=True)` of PyTorch.

use crate::data::{CHANNELS, Pixels};

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

/// Resizes a window of `pixels` to `height` by `width`, in place; nothing outside the window is looked at.
pub fn resample(pixels: &mut Pixels, spare: &mut Pixels, window: Window, height: usize, width: usize) {
    let columns = Axis::new(window.width, width);
    let rows = Axis::new(window.height, height);
    spare.data.clear();
    for y in window.top..window.top + window.height {
        let start = (y * pixels.width + window.left) * CHANNELS;
        let row = &pixels.data[start..start + window.width * CHANNELS];
        columns.blend_pixels(row.as_chunks().0, &mut spare.data);
    }
    pixels.data.clear();
    pixels.data.resize(height * width * CHANNELS, 0.0);
    rows.blend_rows(&spare.data, &mut pixels.data, width * CHANNELS);
    (pixels.height, pixels.width) = (height, width);
}

/// Which inputs each output of one axis is made of.
struct Axis {
    /// First input and range of weights, an output each.
    taps: Vec<(usize, std::ops::Range<usize>)>,
    weights: Vec<f32>,
}

impl Axis {
    /// A triangle as wide as the reduction, and no narrower than one input.
    fn new(input: usize, output: usize) -> Self {
        let scale = input as f64 / output as f64;
        let support = scale.max(1.0);
        let mut axis = Self { taps: Vec::with_capacity(output), weights: Vec::new() };
        for i in 0..output {
            let centre = scale * (i as f64 + 0.5);
            let first = (centre - support + 0.5).max(0.0) as usize;
            let last = ((centre + support + 0.5) as usize).min(input);
            let start = axis.weights.len();
            let weight = |j: usize| (1.0 - ((j as f64 - centre + 0.5) / support).abs()).max(0.0);
            let total: f64 = (first..last).map(weight).sum();
            axis.weights.extend((first..last).map(|j| (weight(j) / total) as f32));
            axis.taps.push((first, start..axis.weights.len()));
        }
        axis
    }

    /// Appends one row of the output, made of one row of the input.
    fn blend_pixels(&self, row: &[[f32; CHANNELS]], out: &mut Vec<f32>) {
        for (first, range) in &self.taps {
            let mut sum = [0.0; CHANNELS];
            for (weight, pixel) in self.weights[range.clone()].iter().zip(&row[*first..]) {
                for (s, p) in sum.iter_mut().zip(pixel) {
                    *s += weight * p;
                }
            }
            out.extend_from_slice(&sum);
        }
    }

    /// Adds whole rows of `input` into the rows of `out`.
    fn blend_rows(&self, input: &[f32], out: &mut [f32], stride: usize) {
        for ((first, range), row) in self.taps.iter().zip(out.chunks_exact_mut(stride)) {
            for (weight, source) in self.weights[range.clone()].iter().zip(input.chunks_exact(stride).skip(*first)) {
                for (o, s) in row.iter_mut().zip(source) {
                    *o += weight * s;
                }
            }
        }
    }
}
