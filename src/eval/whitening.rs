//! Whitening: features seen along their principal components, each of variance one.

use std::ops::Range;

use rayon::prelude::*;

use super::features::sampled;
use crate::kernels::{Eigen, Gram, Matrix, multiply, product, symmetric_eigen};

/// A map from features to uncorrelated coordinates of variance one.
pub(super) struct Whitening {
    /// The mean of the features it was made from.
    pub mean: Vec<f64>,
    /// `[dim, rank]`: the principal components, the largest first, each divided by the standard deviation along it.
    map: Vec<f64>,
    /// How many components there are.
    pub rank: usize,
}

/// The largest matrix that is decomposed, and the rows that are enough where more and longer ones would need a larger one.
const LARGEST: usize = 4096;
const ENOUGH_ROWS: usize = 2048;

/// How many rows or columns of features are in memory as f64 at a time.
const DEPTH: usize = 512;

/// Rows that one thread whitens at a time.
const SHARE: usize = 128;

impl Whitening {
    /// By PCA of features `[rows, dim]`; components with less than `min_variance` times the largest variance are left out.
    ///
    /// Where both sides are longer than 4096, the components are those of 2048 evenly spread rows.
    pub fn fit(values: &[f32], dim: usize, min_variance: f64) -> Self {
        let mean = mean(values, dim);
        if dim == 0 || values.is_empty() {
            return Self { mean, map: Vec::new(), rank: 0 };
        }
        let rows = values.len() / dim;
        let some = if rows.min(dim) > LARGEST { Some(sampled(values, dim, ENOUGH_ROWS)) } else { None };
        let centred = Centred { values: some.as_deref().unwrap_or(values), dim, mean: &mean };
        let (map, rank) =
            if centred.rows() < dim { by_rows(&centred, min_variance) } else { by_columns(&centred, min_variance) };
        Self { mean, map, rank }
    }

    /// `[dim, rank]`: what features less their mean are multiplied with.
    pub fn map(&self) -> Matrix<'_, f64> {
        Matrix::new(&self.map, self.mean.len(), self.rank)
    }

    /// Features `[rows, dim]` as `[rows, rank]`.
    pub fn apply(&self, values: &[f32]) -> Vec<f32> {
        let dim = self.mean.len().max(1);
        let some = |values: &[f32]| {
            let centred = Centred { values, dim, mean: &self.mean };
            let rows = centred.rows();
            let mut out = vec![0.0; rows * self.rank];
            multiply(&mut out, false, Matrix::new(&centred.block(0..rows, 0..dim), rows, dim), self.map());
            out.into_iter().map(|x| x as f32)
        };
        values.par_chunks(SHARE * dim).flat_map_iter(some).collect()
    }
}

/// From the covariance of the columns.
fn by_columns(x: &Centred<'_>, min_variance: f64) -> (Vec<f64>, usize) {
    let (rows, dim) = (x.rows(), x.dim);
    let mut covariance = Gram::new(dim);
    for start in (0..rows).step_by(DEPTH) {
        let block = x.block(start..rows.min(start + DEPTH), 0..dim);
        covariance.add(Matrix::new(&block, block.len() / dim, dim));
    }
    let Eigen { values, mut vectors } = symmetric_eigen(&mut covariance.over(rows as f64), dim, min_variance);
    let rank = values.len();
    for (vector, variance) in vectors.chunks_exact_mut(dim).zip(&values) {
        vector.iter_mut().for_each(|v| *v /= variance.sqrt());
    }
    (transposed(&vectors, rank, dim), rank)
}

/// From the products of the rows with each other, where there are fewer of them: with X X^T / rows = U S U^T the components over their
/// deviations are X^T U / (S sqrt(rows)).
fn by_rows(x: &Centred<'_>, min_variance: f64) -> (Vec<f64>, usize) {
    let (rows, dim) = (x.rows(), x.dim);
    let mut gram = Gram::new(rows);
    for start in (0..dim).step_by(DEPTH) {
        let block = x.block(0..rows, start..dim.min(start + DEPTH));
        gram.add(Matrix::new(&block, rows, block.len() / rows).t());
    }
    let Eigen { values, mut vectors } = symmetric_eigen(&mut gram.over(rows as f64), rows, min_variance);
    let rank = values.len();
    for (vector, variance) in vectors.chunks_exact_mut(rows).zip(&values) {
        vector.iter_mut().for_each(|v| *v /= variance * (rows as f64).sqrt());
    }
    let vectors = Matrix::new(&vectors, rank, rows);
    let mut map = Vec::with_capacity(dim * rank);
    for start in (0..dim).step_by(DEPTH) {
        let block = x.block(0..rows, start..dim.min(start + DEPTH));
        map.extend(product(Matrix::new(&block, rows, block.len() / rows).t(), vectors.t()));
    }
    (map, rank)
}

/// Features less their mean.
#[derive(Clone, Copy)]
struct Centred<'a> {
    values: &'a [f32],
    dim: usize,
    mean: &'a [f64],
}

impl Centred<'_> {
    /// How many rows there are.
    fn rows(&self) -> usize {
        self.values.len() / self.dim.max(1)
    }

    /// A part of them in f64, row-major.
    fn block(&self, rows: Range<usize>, columns: Range<usize>) -> Vec<f64> {
        let mut out = Vec::with_capacity(rows.len() * columns.len());
        for row in self.values[rows.start * self.dim..rows.end * self.dim].chunks_exact(self.dim.max(1)) {
            out.extend(row[columns.clone()].iter().zip(&self.mean[columns.clone()]).map(|(&x, m)| f64::from(x) - m));
        }
        out
    }
}

/// The mean of each column; of one that never changes, its value exactly.
fn mean(values: &[f32], dim: usize) -> Vec<f64> {
    let rows = values.chunks_exact(dim.max(1));
    let count = rows.len().max(1) as f64;
    let first: Vec<f64> = values.iter().take(dim).map(|&x| x.into()).collect();
    let mut beyond = vec![0.0; first.len()];
    for row in rows {
        beyond.iter_mut().zip(row).zip(&first).for_each(|((b, &x), f)| *b += f64::from(x) - f);
    }
    first.iter().zip(&beyond).map(|(f, b)| f + b / count).collect()
}

/// A row-major `[rows, columns]` as `[columns, rows]`.
fn transposed(matrix: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    let mut out = vec![0.0; matrix.len()];
    for (i, row) in matrix.chunks_exact(columns.max(1)).enumerate() {
        row.iter().enumerate().for_each(|(j, x)| out[j * rows + i] = *x);
    }
    out
}
