//! The weighted k-nearest-neighbour classifier.

use rayon::prelude::*;

use super::features::{Features, accuracy, normalized};
use super::matrix::{Matrix, multiply};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};

/// The word `knn`.
pub const ENTRY: Entry = Entry {
    name: "knn",
    kind: Kind::Probe,
    params: &[
        Param::optional("k", ParamType::Int { min: 1, max: 1 << 20 }, "20", "How many neighbours vote."),
        Param::optional(
            "temperature",
            ParamType::Number { min: 1e-4, max: 1e4 },
            "0.07",
            "The smaller, the more the nearest count.",
        ),
    ],
    formula: "class = argmax_c sum over the k nearest i of [label_i = c] exp(cos(x, x_i) / temperature)",
    doc: "Weighted k-NN on cosine similarity (Wu et al. 2018, arXiv:1805.01978): how well a sample's nearest training \
          features tell its class, without training anything.",
};

/// How many neighbours vote, and how their votes are weighted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knn {
    /// The number of neighbours.
    pub k: usize,
    /// A neighbour's vote is exp(cosine similarity / temperature).
    pub temperature: f64,
}

impl Default for Knn {
    fn default() -> Self {
        Self { k: 20, temperature: 0.07 }
    }
}

impl Knn {
    /// Reads a checked call of `knn`.
    pub fn from_config(config: &Config) -> Self {
        Self { k: config.int("k"), temperature: config.number("temperature") }
    }
}

/// Rows of queries, and of training features, that are compared at a time.
const QUERIES: usize = 256;
const TILE: usize = 2048;

/// The top-1 accuracy, 0 to 1, of the vote of the nearest training rows on the class of each test row.
pub fn knn(train: Features<'_>, test: Features<'_>, settings: Knn) -> f64 {
    let dim = train.dim;
    assert_eq!(dim, test.dim, "training and test features are of one length");
    let (known, queries) = (normalized(train.values, dim), normalized(test.values, dim));
    let predictions: Vec<u32> = queries
        .par_chunks(QUERIES * dim.max(1))
        .flat_map_iter(|block| {
            let nearest = nearest(block, &known, dim, settings.k);
            nearest
                .into_iter()
                .map(|n| vote(&n, train.labels, train.classes(), settings.temperature))
                .collect::<Vec<_>>()
        })
        .collect();
    accuracy(&predictions, test.labels)
}

/// The similarity and position of the `k` rows of `known` nearest to each query, best first, the earlier row first of equals.
fn nearest(queries: &[f32], known: &[f32], dim: usize, k: usize) -> Vec<Vec<(f32, usize)>> {
    let rows = queries.len() / dim;
    let mut nearest = vec![Vec::with_capacity(k.min(known.len() / dim) + 1); rows];
    let mut similarity = vec![0.0; rows * TILE];
    for (t, tile) in known.chunks(TILE * dim).enumerate() {
        let width = tile.len() / dim;
        let similarity = &mut similarity[..rows * width];
        multiply(similarity, false, Matrix::new(queries, rows, dim), Matrix::new(tile, width, dim).t());
        for (best, row) in nearest.iter_mut().zip(similarity.chunks_exact(width)) {
            for (i, &s) in row.iter().enumerate() {
                insert(best, (s, t * TILE + i), k);
            }
        }
    }
    nearest
}

fn insert(best: &mut Vec<(f32, usize)>, item: (f32, usize), k: usize) {
    let full = best.len() == k;
    if item.0.is_nan() || full && best.last().is_some_and(|last| item.0 <= last.0) {
        return;
    }
    if full {
        best.pop();
    }
    best.insert(best.partition_point(|b| b.0 >= item.0), item);
}

/// The class with most weight, the smallest of equals; without neighbours a class that does not exist.
fn vote(nearest: &[(f32, usize)], labels: &[u32], classes: usize, temperature: f64) -> u32 {
    let Some(&(top, _)) = nearest.first() else { return u32::MAX };
    let mut weights = vec![0.0; classes];
    for &(similarity, row) in nearest {
        // Relative to the nearest, so that no temperature overflows.
        weights[labels[row] as usize] += (f64::from(similarity - top) / temperature).exp();
    }
    let best = weights.iter().enumerate().fold((0, 0.0), |b, (c, &w)| if w > b.1 { (c, w) } else { b });
    best.0 as u32
}
