//! The few-shot probe: a linear classifier that is told the labels of a few samples.

use std::sync::Arc;

use super::features::Features;
use super::held_out::{candidates, choose};
use super::linear::{LinearClassifier, LinearProbe};
use super::logistic::Problem;
use super::whitening::Whitening;
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::random::Rng;

/// The word `few_shot`.
pub static ENTRY: Entry = Entry {
    name: "few_shot",
    kind: Kind::Probe,
    params: &[
        Param::optional(
            "share",
            ParamType::Number { min: 1e-6, max: 1.0 },
            "0.01",
            "The share of the samples of each class whose labels are told, at least one.",
        ),
        Param::optional(
            "seeds",
            ParamType::Int { min: 1, max: 1000 },
            "5",
            "How often other samples are drawn: the mean accuracy is told, and of several the sample deviation.",
        ),
        Param::optional(
            "l2",
            ParamType::Amount { min: 0.0, max: 1e6 },
            "1e-3",
            "As that of `linear`; of several the best on a held-out part of the told samples.",
        ),
        Param::optional("iterations", ParamType::Int { min: 1, max: 100_000 }, "1000", "As those of `linear`."),
        Param::optional(
            "min_variance",
            ParamType::Number { min: 1e-12, max: 1.0 },
            "1e-6",
            "As that of `linear`, of all training samples.",
        ),
    ],
    formula: "mean over seeds of the accuracy of the linear probe trained on max(1, round(share n_c)) samples of each class c",
    doc: "The linear probe with few labels: features are whitened by all training samples, as that needs no labels, and the \
          classifier learns from a share of each class. With `share: 1` it is the linear probe.",
};

/// How the few-shot probe is done.
#[derive(Clone, Debug, PartialEq)]
pub struct FewShot {
    /// The share of each class that is told.
    pub share: f64,
    /// How often samples are drawn.
    pub seeds: usize,
    /// The linear probe.
    pub linear: LinearProbe,
    /// Penalties to choose from, if there are several.
    pub candidates: Vec<f64>,
}

impl FewShot {
    /// Reads a checked call of `few_shot`.
    pub fn from_config(config: &Config) -> Self {
        Self {
            share: config.number("share"),
            seeds: config.int("seeds"),
            linear: LinearProbe::from_config(config),
            candidates: candidates(config),
        }
    }
}

/// Mean and sample deviation of the accuracy, the latter not a number of a single seed.
pub fn few_shot(train: Features<'_>, test: Features<'_>, settings: &FewShot) -> (f64, f64) {
    assert_eq!(train.dim, test.dim, "training and test features are of one length");
    let whitening = Arc::new(Whitening::fit(train.values, train.dim, settings.linear.min_variance));
    let accuracies: Vec<f64> = (0..settings.seeds.max(1))
        .map(|seed| {
            let rows = few_shot_rows(train.labels, settings.share, seed as u64);
            let values: Vec<&[f32]> = rows.iter().map(|r| &train.values[r * train.dim..(r + 1) * train.dim]).collect();
            let (values, labels): (_, Vec<u32>) = (values.concat(), rows.iter().map(|&r| train.labels[r]).collect());
            let told = Features::new(&values, &labels, train.dim);
            let l2 = match settings.candidates.as_slice() {
                [] => settings.linear.l2,
                several => choose(told, Some(&whitening), settings.linear, several),
            };
            let problem = Problem::within(whitening.clone(), told, l2);
            LinearClassifier::of(&problem, settings.linear.iterations, told).accuracy(test)
        })
        .collect();
    let count = accuracies.len() as f64;
    let mean = accuracies.iter().sum::<f64>() / count;
    let squares: f64 = accuracies.iter().map(|a| (a - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0)).sqrt())
}

/// The rows whose labels are told, in order: of each class `max(1, round(share * n))`, drawn from the seed and the class.
pub fn few_shot_rows(labels: &[u32], share: f64, seed: u64) -> Vec<usize> {
    let classes = labels.iter().max().map_or(0, |&l| l as usize + 1);
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); classes];
    labels.iter().enumerate().for_each(|(row, &label)| of_class[label as usize].push(row));
    let mut told: Vec<usize> = Vec::new();
    for (class, rows) in of_class.iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
        let count = ((share * rows.len() as f64).round() as usize).clamp(1, rows.len());
        let order = Rng::new(&[seed, class as u64]).permutation(rows.len());
        told.extend(order.into_iter().take(count).map(|place| rows[place]));
    }
    told.sort_unstable();
    told
}
