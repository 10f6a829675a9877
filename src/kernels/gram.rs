//! Products of matrices with themselves, in f64: half of one says all of it.

use std::ops::Range;

use rayon::prelude::*;

use super::matrix::{Matrix, multiply};

/// The rows of a square tile of a matrix.
const TILE: usize = 128;

/// A growing sum of products A^T A.
#[derive(Debug)]
pub struct Gram {
    side: usize,
    /// The tiles on and below the diagonal.
    tiles: Vec<Tile>,
}

#[derive(Debug)]
struct Tile {
    rows: Range<usize>,
    columns: Range<usize>,
    sum: Vec<f64>,
}

impl Gram {
    /// Of nothing so far, of matrices with so many columns.
    pub fn new(side: usize) -> Self {
        let range = |start: usize| start..side.min(start + TILE);
        let starts = || (0..side).step_by(TILE);
        let below = starts().flat_map(|i| starts().take_while(move |&j| j <= i).map(move |j| (range(i), range(j))));
        let tile = |(rows, columns): (Range<usize>, Range<usize>)| {
            let sum = vec![0.0; rows.len() * columns.len()];
            Tile { rows, columns, sum }
        };
        Self { side, tiles: below.map(tile).collect() }
    }

    /// Adds the product of a matrix.
    pub fn add(&mut self, a: Matrix<'_, f64>) {
        self.tiles.par_iter_mut().for_each(|Tile { rows, columns, sum }| {
            multiply(sum, true, a.columns(rows.clone()).t(), a.columns(columns.clone()));
        });
    }

    /// The whole matrix over `divisor`, row-major.
    pub fn over(self, divisor: f64) -> Vec<f64> {
        let mut out = vec![0.0; self.side * self.side];
        for Tile { rows, columns, sum } in self.tiles {
            for (i, row) in rows.zip(sum.chunks_exact(columns.len())) {
                for (j, x) in columns.clone().zip(row) {
                    out[i * self.side + j] = x / divisor;
                    out[j * self.side + i] = x / divisor;
                }
            }
        }
        out
    }
}
