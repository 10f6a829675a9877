//! Alignment and uniformity on the sphere (Wang & Isola 2020, arXiv:2005.10242).

use rayon::prelude::*;

use super::features::{normalized, sampled};
use crate::kernels::{Matrix, multiply};

/// The mean squared distance between l2-normalised features of two views of the same samples, each `[rows, dim]`; 0 is best.
pub fn alignment(a: &[f32], b: &[f32], dim: usize) -> f64 {
    assert_eq!(a.len(), b.len(), "two views of the same samples");
    let (a, b) = (normalized(a, dim), normalized(b, dim));
    let total: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    total / (a.len() / dim.max(1)).max(1) as f64
}

/// The most rows that are compared with each other, and how many at a time.
const MOST_ROWS: usize = 2048;
const BLOCK: usize = 128;

/// The logarithm of the mean over pairs of exp(-2 squared distance) of l2-normalised features `[rows, dim]`: 0 where all
/// are one point, towards -4 where they are evenly spread. Of more than 2048 rows, evenly spread ones are taken.
pub fn uniformity(values: &[f32], dim: usize) -> f64 {
    let points = normalized(&sampled(values, dim, MOST_ROWS), dim);
    let rows = points.len() / dim.max(1);
    let sums: Vec<f64> = points
        .par_chunks(BLOCK * dim.max(1))
        .enumerate()
        .map(|(i, block)| potential(block, &points[i * BLOCK * dim..], dim))
        .collect();
    let pairs = rows * rows.saturating_sub(1) / 2;
    (sums.iter().sum::<f64>() / pairs.max(1) as f64).ln()
}

/// The sum of exp(-2 squared distance) over pairs of a row of `block` and a later row of `points`, which begins with `block`.
fn potential(block: &[f32], points: &[f32], dim: usize) -> f64 {
    let (rows, all) = (block.len() / dim, points.len() / dim);
    let mut cosines = vec![0.0; rows * all];
    multiply(&mut cosines, false, Matrix::new(block, rows, dim), Matrix::new(points, all, dim).t());
    let later = cosines.chunks_exact(all).enumerate().flat_map(|(i, row)| &row[i + 1..]);
    later.map(|&c| (4.0 * (f64::from(c) - 1.0)).min(0.0).exp()).sum()
}
