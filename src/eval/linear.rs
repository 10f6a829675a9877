//! The linear probe: multinomial logistic regression on frozen features.

use rayon::prelude::*;

use super::features::{Features, accuracy, argmax};
use super::held_out::choose;
use super::logistic::Problem;
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::kernels::{Matrix, multiply};

/// The word `linear`.
pub static ENTRY: Entry = Entry {
    name: "linear",
    kind: Kind::Probe,
    params: &[
        Param::optional(
            "iterations",
            ParamType::Int { min: 1, max: 100_000 },
            "1000",
            "The most steps of L-BFGS, which ends by itself where the gradient has fallen to 1e-5 of its first length.",
        ),
        Param::optional(
            "l2",
            ParamType::Amount { min: 0.0, max: 1e6 },
            "1e-3",
            "The weight of the squared weights, of whitened features, beside the mean cross entropy; of several, a list or the powers of \
             ten within a range, the one that is best on a fifth of the training samples, held out.",
        ),
        Param::optional(
            "min_variance",
            ParamType::Number { min: 1e-12, max: 1.0 },
            "1e-6",
            "Principal components with less than this share of the largest variance are left out; of raw pixels those below 1e-3.",
        ),
    ],
    formula: "min over W, b of mean(cross_entropy(label, W z + b)) + l2 / 2 |W|^2, with z = S^-1/2 V^T (x - mean)",
    doc: "A linear classifier on frozen features, whitened by PCA of the training set and trained to convergence on all of it: \
          how much about the class can be read off linearly, whatever the scales and correlations of features. \
          S and V are the variances and directions of the principal components. It draws nothing at random.",
};

/// How the linear probe is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearProbe {
    /// The most steps of L-BFGS.
    pub iterations: usize,
    /// The weight of half the squared weights, of whitened features, beside the mean cross entropy.
    pub l2: f64,
    /// Principal components with less than this share of the largest variance are left out.
    pub min_variance: f64,
}

impl Default for LinearProbe {
    fn default() -> Self {
        Self { iterations: 1000, l2: 1e-3, min_variance: 1e-6 }
    }
}

/// What is small in raw pixels is noise: with all of their components the probe learns the training set by heart.
const MIN_VARIANCE_OF_PIXELS: f64 = 1e-3;

impl LinearProbe {
    /// Reads a checked call of `linear`.
    pub fn from_config(config: &Config) -> Self {
        Self {
            iterations: config.int("iterations"),
            l2: config.number("l2"),
            min_variance: config.number("min_variance"),
        }
    }

    /// The same for raw pixels as features: components with less than 1e-3 of the largest variance are left out.
    pub fn of_pixels(self) -> Self {
        Self { min_variance: self.min_variance.max(MIN_VARIANCE_OF_PIXELS), ..self }
    }
}

/// The top-1 accuracy, 0 to 1, on `test` of a linear classifier trained on `train`.
pub fn linear_probe(train: Features<'_>, test: Features<'_>, settings: LinearProbe) -> f64 {
    assert_eq!(train.dim, test.dim, "training and test features are of one length");
    LinearClassifier::fit(train, settings).accuracy(test)
}

/// A linear classifier of features as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearClassifier {
    /// `[dim, classes]`, row-major.
    pub weight: Vec<f32>,
    /// `[classes]`; minus infinity for a class without samples.
    pub bias: Vec<f32>,
    /// The length of a row of features.
    pub dim: usize,
}

/// Rows whose logits are in memory at a time.
const BLOCK: usize = 512;

impl LinearClassifier {
    /// Trains on whitened features; the whitening is folded into the weights.
    pub fn fit(train: Features<'_>, settings: LinearProbe) -> Self {
        Self::of(&Problem::new(train, settings.min_variance, settings.l2), settings.iterations, train)
    }

    /// The same with the best of several penalties, which is told, too: see [`super::held_out()`].
    pub fn fit_choosing(train: Features<'_>, settings: LinearProbe, candidates: &[f64]) -> (Self, f64) {
        let l2 = choose(train, None, settings, candidates);
        (Self::fit(train, LinearProbe { l2, ..settings }), l2)
    }

    /// The optimum of a problem whose rows these are.
    pub(super) fn of(problem: &Problem, iterations: usize, train: Features<'_>) -> Self {
        let (known, bias_known) = problem.solve(iterations);
        let classes = train.classes();
        let (mut weight, mut bias) = (vec![0.0; train.dim * classes], vec![f32::NEG_INFINITY; classes]);
        for (place, &class) in problem.classes.iter().enumerate() {
            let (to, from) = (weight.iter_mut().skip(class as usize), known.iter().skip(place));
            let column = to.step_by(classes).zip(from.step_by(problem.classes.len()));
            column.for_each(|(w, k)| *w = *k as f32);
            bias[class as usize] = bias_known[place] as f32;
        }
        Self { weight, bias, dim: train.dim }
    }

    /// The most likely class of each row of features.
    pub fn predict(&self, values: &[f32]) -> Vec<u32> {
        let classes = self.bias.len();
        let block = |x: &[f32]| {
            let logits = self.logits(x);
            logits.chunks_exact(classes).map(argmax).collect::<Vec<_>>()
        };
        if classes == 0 {
            return Vec::new();
        }
        values.par_chunks(BLOCK * self.dim.max(1)).flat_map_iter(block).collect()
    }

    /// The share of rows whose class is the most likely one, 0 to 1.
    pub fn accuracy(&self, test: Features<'_>) -> f64 {
        accuracy(&self.predict(test.values), test.labels)
    }

    /// The probability of each class for each row of features, `[rows, classes]`: a softmax of the logits.
    pub fn probabilities(&self, values: &[f32]) -> Vec<f32> {
        let classes = self.bias.len().max(1);
        let mut all = self.logits(values);
        for row in all.chunks_exact_mut(classes) {
            let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row.iter_mut().for_each(|x| *x = (*x - top).exp());
            let sum: f32 = row.iter().sum();
            row.iter_mut().for_each(|x| *x /= sum);
        }
        all
    }

    fn logits(&self, values: &[f32]) -> Vec<f32> {
        let (rows, classes) = (values.len() / self.dim, self.bias.len());
        let mut out = self.bias.repeat(rows);
        multiply(&mut out, true, Matrix::new(values, rows, self.dim), Matrix::new(&self.weight, self.dim, classes));
        out
    }
}
