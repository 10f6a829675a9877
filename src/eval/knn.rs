//! The weighted k-nearest-neighbour classifier.

use rayon::prelude::*;

use super::features::{Features, accuracy, normalized};
use super::nearest::{Found, nearest};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};

/// The word `knn`.
pub static ENTRY: Entry = Entry {
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

/// Queries that are compared at a time, fewer where so many neighbours of theirs would not be small in memory.
const QUERIES: usize = 256;
const NEIGHBOURS: usize = 1 << 22;

/// The top-1 accuracy, 0 to 1, of the vote of the nearest training rows on the class of each test row.
pub fn knn(train: Features<'_>, test: Features<'_>, settings: Knn) -> f64 {
    let dim = train.dim;
    assert_eq!(dim, test.dim, "training and test features are of one length");
    let (known, queries) = (normalized(train.values, dim), normalized(test.values, dim));
    let (classes, k) = (train.classes(), settings.k.clamp(1, train.rows().max(1)));
    let some = (NEIGHBOURS / k).clamp(16, QUERIES);
    let predictions: Vec<u32> = queries
        .par_chunks(some * dim.max(1))
        .flat_map_iter(|block| {
            nearest(block, &known, dim, k).map(|n| vote(&n, train.labels, classes, settings.temperature))
        })
        .collect();
    accuracy(&predictions, test.labels)
}

/// A weight of one, as weights are summed: as whole numbers, whose sum does not depend on their order, so that nobody need sort them.
/// A weight keeps all of its bits down to 2^-43, and 2^32 of them are summed without overflow.
const ONE: f64 = (1u128 << 95) as f64;

/// The class with most weight, the smallest of equals; without neighbours a class that does not exist.
fn vote(nearest: &Found, labels: &[u32], classes: usize, temperature: f64) -> u32 {
    let Some(top) = nearest.iter().map(|(similarity, _)| similarity).reduce(f32::max) else { return u32::MAX };
    let mut weights = vec![0u128; classes];
    for (similarity, row) in nearest.iter() {
        // Relative to the nearest, so that no temperature overflows.
        let weight = (f64::from(similarity - top) / temperature).exp();
        weights[labels[row] as usize] += (weight * ONE) as u128;
    }
    let best = weights.iter().enumerate().fold((0, 0), |b, (c, &w)| if w > b.1 { (c, w) } else { b });
    best.0 as u32
}
