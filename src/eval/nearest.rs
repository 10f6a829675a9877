//! The nearest rows to each query, selected as tiles of similarities go by.

use rayon::prelude::*;

use super::features::normalized;
use crate::kernels::{Matrix, multiply};

/// Queries that are compared at a time.
const BLOCK: usize = 256;
/// Training rows that are compared with the queries at a time.
const TILE: usize = 2048;

/// A similarity, and the position of its row.
pub type Neighbour = (f32, usize);

/// The `k` rows of `known`, of which there are fewer than 2^32, most similar (by dot product) to each of the `queries`, in no order; of
/// equals the earlier rows. A similarity that is not a number is none.
pub(super) fn nearest(queries: &[f32], known: &[f32], dim: usize, k: usize) -> impl Iterator<Item = Found> + use<> {
    let rows = queries.len() / dim;
    let most = (2 * k).min(known.len() / dim);
    let mut best: Vec<Best> = (0..rows).map(|_| Best::new(k, most)).collect();
    let mut similarity = vec![0.0; rows * TILE];
    for (t, tile) in known.chunks(TILE * dim).enumerate() {
        let width = tile.len() / dim;
        let similarity = &mut similarity[..rows * width];
        multiply(similarity, false, Matrix::new(queries, rows, dim), Matrix::new(tile, width, dim).t());
        for (best, row) in best.iter_mut().zip(similarity.chunks_exact(width)) {
            best.offer(t * TILE, row);
        }
    }
    best.into_iter().map(Best::found)
}

/// The most similar rows to a query.
pub(super) struct Found(Vec<u64>);

impl Found {
    pub fn iter(&self) -> impl Iterator<Item = Neighbour> {
        self.0.iter().copied().map(neighbour)
    }
}

/// The `k` most similar rows so far, among others: these are thrown out when they are as many.
struct Best {
    k: usize,
    candidates: Vec<u64>,
    /// What a later row must exceed to be one of them; not a number as long as any does.
    bar: f32,
}

impl Best {
    /// The best `k`, of which `most` are kept at a time.
    fn new(k: usize, most: usize) -> Self {
        Self { k, candidates: Vec::with_capacity(most), bar: f32::NAN }
    }

    /// Rows from `first` on.
    fn offer(&mut self, first: usize, similarities: &[f32]) {
        for (i, &s) in similarities.iter().enumerate() {
            if s <= self.bar || s.is_nan() {
                continue;
            }
            self.candidates.push(key((s, first + i)));
            if self.candidates.len() >= 2 * self.k {
                self.throw_out();
            }
        }
    }

    fn throw_out(&mut self) {
        if self.candidates.len() > self.k {
            let (_, last, _) = self.candidates.select_nth_unstable(self.k - 1);
            self.bar = neighbour(*last).0;
            self.candidates.truncate(self.k);
        }
    }

    fn found(mut self) -> Found {
        self.throw_out();
        Found(self.candidates)
    }
}

const SIGN: u32 = 1 << 31;

/// A number that is the smaller the nearer, and of equally near ones the earlier: numbers are compared sooner than pairs.
fn key((similarity, row): Neighbour) -> u64 {
    // Adding zero makes one of the two zeros.
    let bits = (similarity + 0.0).to_bits();
    let descending = if bits < SIGN { !(bits | SIGN) } else { bits };
    u64::from(descending) << 32 | row as u64
}

/// What [`key`] stands for.
fn neighbour(key: u64) -> Neighbour {
    let descending = (key >> 32) as u32;
    let bits = if descending < SIGN { !descending & !SIGN } else { descending };
    (f32::from_bits(bits), (key & u64::from(u32::MAX)) as usize)
}

/// The `k` rows of `known` most alike to each of the `queries` by cosine similarity, the most alike first, of equals the earlier; fewer
/// where there are no more. Rows have `dim` numbers.
pub fn neighbours(queries: &[f32], known: &[f32], dim: usize, k: usize) -> Vec<Vec<Neighbour>> {
    let (queries, known) = (normalized(queries, dim), normalized(known, dim));
    let k = k.clamp(1, (known.len() / dim.max(1)).max(1));
    let sorted = |found: Found| {
        let mut all: Vec<Neighbour> = found.iter().collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        all
    };
    let blocks = queries.par_chunks(BLOCK * dim.max(1));
    blocks.flat_map_iter(|block| nearest(block, &known, dim, k).map(sorted)).collect()
}
