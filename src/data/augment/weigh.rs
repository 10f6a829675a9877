//! The inner loops of resizing and blurring. No product is fused with its sum, so pixels are the same bits on every processor.

use crate::data::CHANNELS;
use crate::simd::multiversion;

/// What pictures are kept in: bytes or floats.
pub trait Value: Copy + Into<f32> {}

impl Value for u8 {}
impl Value for f32 {}

/// Values summed at a time.
const LANES: usize = 32;

multiversion! {
    /// `out[i] = sum over k of weights[k] data[offsets[k] + i]`.
    pub fn weigh<const FMA: bool, T: Value>(data: &[T], offsets: &[usize], weights: &[f32], out: &mut [f32]) {
        let length = out.len();
        for (block, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            *out = weigh_block(data, block * LANES, offsets, weights);
        }
        if length.is_multiple_of(LANES) {
            return;
        }
        if let Some(last) = out.last_chunk_mut() {
            *last = weigh_block(data, length - LANES, offsets, weights);
        } else {
            out.fill(0.0);
            for (&offset, &weight) in offsets.iter().zip(weights) {
                out.iter_mut().zip(&data[offset..]).for_each(|(o, &v)| *o += weight * v.into());
            }
        }
    }
}

/// The sums of [`weigh`] from `start` on.
#[inline(always)]
fn weigh_block<T: Value>(data: &[T], start: usize, offsets: &[usize], weights: &[f32]) -> [f32; LANES] {
    let mut sums = [0.0; LANES];
    for (&offset, &weight) in offsets.iter().zip(weights) {
        let values = &data[offset + start..][..LANES];
        for i in 0..LANES {
            sums[i] += weight * values[i].into();
        }
    }
    sums
}

multiversion! {
    /// `out[i] = sum over k of weights[i][k] row[first[i] + k]`, in pixels; those of the row have a fourth channel, which is
    /// left out of the result.
    pub fn weigh_pixels<const FMA: bool>(
        row: &[[f32; 4]],
        first: &[usize],
        weights: &[f32],
        out: &mut [f32],
    ) {
        match weights.len() / first.len() {
            2 => weigh_each(row, first, 2, weights, out),
            3 => weigh_each(row, first, 3, weights, out),
            4 => weigh_each(row, first, 4, weights, out),
            taps => weigh_each(row, first, taps, weights, out),
        }
    }
}

multiversion! {
    /// [`weigh_pixels`] of a row with any number of channels; what is beyond its end has no weight.
    pub fn weigh_any<const FMA: bool>(
        row: &[f32],
        channels: usize,
        first: &[usize],
        weights: &[f32],
        out: &mut [f32],
    ) {
        let taps = weights.len() / first.len();
        for ((out, &first), weights) in out.chunks_exact_mut(channels).zip(first).zip(weights.chunks_exact(taps)) {
            out.fill(0.0);
            for (pixel, &weight) in row[first * channels..].chunks_exact(channels).zip(weights) {
                for c in 0..channels {
                    out[c] += weight * pixel[c];
                }
            }
        }
    }
}

/// [`weigh_pixels`], compiled for a number of weights where that is known. A pixel is written in one instruction with its
/// fourth channel, which the next one overwrites.
#[inline(always)]
fn weigh_each(row: &[[f32; 4]], first: &[usize], taps: usize, weights: &[f32], out: &mut [f32]) {
    let last = first.len() - 1;
    for i in 0..last {
        let sum = weigh_pixel(&row[first[i]..][..taps], &weights[i * taps..][..taps]);
        out[i * CHANNELS..][..4].copy_from_slice(&sum);
    }
    let sum = weigh_pixel(&row[first[last]..][..taps], &weights[last * taps..][..taps]);
    out[last * CHANNELS..].copy_from_slice(&sum[..CHANNELS]);
}

#[inline(always)]
fn weigh_pixel(pixels: &[[f32; 4]], weights: &[f32]) -> [f32; 4] {
    let mut sum = [0.0; 4];
    for (pixel, &weight) in pixels.iter().zip(weights) {
        for c in 0..4 {
            sum[c] += weight * pixel[c];
        }
    }
    sum
}
