//! The linear probe: multinomial logistic regression on frozen features.

use rayon::prelude::*;

use super::features::{Features, accuracy, argmax, moments};
use super::lbfgs::minimize;
use super::matrix::{Matrix, multiply};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};

/// The word `linear`.
pub const ENTRY: Entry = Entry {
    name: "linear",
    kind: Kind::Probe,
    params: &[
        Param::optional("iterations", ParamType::Int { min: 1, max: 100_000 }, "100", "The most steps of L-BFGS."),
        Param::optional(
            "l2",
            ParamType::Number { min: 0.0, max: 1e6 },
            "1e-3",
            "The weight of the squared weights beside the mean cross entropy.",
        ),
    ],
    formula: "min over W, b of mean(cross_entropy(label, W (x - mean) / std + b)) + l2 / 2 |W|^2",
    doc: "A linear classifier on frozen, standardised features, trained to convergence on the whole training set: \
          how much about the class can be read off linearly. It draws nothing at random.",
};

/// How the linear probe is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearProbe {
    /// The most steps of L-BFGS.
    pub iterations: usize,
    /// The weight of half the squared weights beside the mean cross entropy.
    pub l2: f64,
}

impl Default for LinearProbe {
    fn default() -> Self {
        Self { iterations: 100, l2: 1e-3 }
    }
}

impl LinearProbe {
    /// Reads a checked call of `linear`.
    pub fn from_config(config: &Config) -> Self {
        Self { iterations: config.int("iterations"), l2: config.number("l2") }
    }
}

/// The top-1 accuracy, 0 to 1, on `test` of a linear classifier trained on `train`.
pub fn linear_probe(train: Features<'_>, test: Features<'_>, settings: LinearProbe) -> f64 {
    assert_eq!(train.dim, test.dim, "training and test features are of one length");
    let classifier = LinearClassifier::fit(train, settings);
    accuracy(&classifier.predict(test.values), test.labels)
}

/// A linear classifier of raw (not standardised) features.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearClassifier {
    /// `[dim, classes]`, row-major.
    pub weight: Vec<f32>,
    /// `[classes]`
    pub bias: Vec<f32>,
    /// The length of a row of features.
    pub dim: usize,
}

/// Rows whose logits are in memory at a time, and the most parts the rows are shared out in.
const BLOCK: usize = 512;
const PARTS: usize = 32;

impl LinearClassifier {
    /// Trains on standardised features; the standardisation is folded into the weights, so that features are never copied.
    pub fn fit(train: Features<'_>, settings: LinearProbe) -> Self {
        let (mean, variance) = moments(train.values, train.dim);
        // A column that never changes says nothing.
        let scale = variance.iter().map(|v| if *v > 1e-16 { 1.0 / v.sqrt() } else { 0.0 }).collect();
        let problem = Problem { train, classes: train.classes(), mean, scale, l2: settings.l2 };
        let start = vec![0.0; (train.dim + 1) * problem.classes];
        let theta = minimize(|theta| problem.evaluate(theta), start, settings.iterations, 1e-5);
        problem.fold(&theta)
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

    fn logits(&self, values: &[f32]) -> Vec<f32> {
        let (rows, classes) = (values.len() / self.dim, self.bias.len());
        let mut out = self.bias.repeat(rows);
        multiply(&mut out, true, Matrix::new(values, rows, self.dim), Matrix::new(&self.weight, self.dim, classes));
        out
    }
}

/// The training objective; its variables are `[dim + 1, classes]`: the weights of standardised features, then the bias.
struct Problem<'a> {
    train: Features<'a>,
    classes: usize,
    mean: Vec<f64>,
    scale: Vec<f64>,
    l2: f64,
}

/// What some rows add to loss and gradient, for raw features.
struct Part {
    loss: f64,
    weight: Vec<f32>,
    bias: Vec<f64>,
}

impl Problem<'_> {
    /// The classifier of raw features that variables stand for.
    fn fold(&self, theta: &[f64]) -> LinearClassifier {
        let (weight, bias) = theta.split_at(self.train.dim * self.classes);
        let mut folded = Vec::with_capacity(weight.len());
        let mut bias = bias.to_vec();
        for ((row, mean), scale) in weight.chunks_exact(self.classes.max(1)).zip(&self.mean).zip(&self.scale) {
            for (w, b) in row.iter().zip(&mut bias) {
                folded.push((w * scale) as f32);
                *b -= mean * w * scale;
            }
        }
        LinearClassifier { weight: folded, bias: bias.iter().map(|&b| b as f32).collect(), dim: self.train.dim }
    }

    /// The objective and its gradient.
    fn evaluate(&self, theta: &[f64]) -> (f64, Vec<f64>) {
        let classifier = self.fold(theta);
        let (rows, dim) = (self.train.rows(), self.train.dim);
        let stretch = rows.div_ceil(PARTS).max(BLOCK);
        let parts: Vec<Part> = self
            .train
            .labels
            .par_chunks(stretch)
            .zip(self.train.values.par_chunks(stretch * dim.max(1)))
            .map(|(labels, values)| self.part(&classifier, labels, values))
            .collect();
        self.gather(theta, &parts)
    }

    fn part(&self, classifier: &LinearClassifier, labels: &[u32], values: &[f32]) -> Part {
        let (dim, classes) = (self.train.dim, self.classes);
        let mut part = Part { loss: 0.0, weight: vec![0.0; dim * classes], bias: vec![0.0; classes] };
        for (labels, values) in labels.chunks(BLOCK).zip(values.chunks(BLOCK * dim)) {
            let mut errors = classifier.logits(values);
            for (row, &label) in errors.chunks_exact_mut(classes).zip(labels) {
                part.loss += softmax_error(row, label as usize);
                part.bias.iter_mut().zip(row).for_each(|(b, e)| *b += f64::from(*e));
            }
            let (x, e) = (Matrix::new(values, labels.len(), dim), Matrix::new(&errors, labels.len(), classes));
            multiply(&mut part.weight, true, x.t(), e);
        }
        part
    }

    /// Adds up the parts in order, and puts the standardisation and the penalty back in.
    fn gather(&self, theta: &[f64], parts: &[Part]) -> (f64, Vec<f64>) {
        let (split, rows) = (self.train.dim * self.classes, self.train.rows().max(1) as f64);
        let mut gradient = vec![0.0; theta.len()];
        let (weight, bias) = gradient.split_at_mut(split);
        for part in parts {
            weight.iter_mut().zip(&part.weight).for_each(|(g, p)| *g += f64::from(*p) / rows);
            bias.iter_mut().zip(&part.bias).for_each(|(g, p)| *g += p / rows);
        }
        let grids = weight.chunks_exact_mut(self.classes.max(1)).zip(theta.chunks_exact(self.classes.max(1)));
        for (((grad, theta), mean), scale) in grids.zip(&self.mean).zip(&self.scale) {
            for ((g, b), t) in grad.iter_mut().zip(&*bias).zip(theta) {
                *g = scale * (*g - mean * b) + self.l2 * t;
            }
        }
        let penalty = 0.5 * self.l2 * theta[..split].iter().map(|t| t * t).sum::<f64>();
        (parts.iter().map(|p| p.loss).sum::<f64>() / rows + penalty, gradient)
    }
}

/// Turns a row of logits into softmax minus one-hot label, and gives the cross entropy.
pub(super) fn softmax_error(row: &mut [f32], label: usize) -> f64 {
    let top = row.iter().fold(f32::NEG_INFINITY, |m, &x| m.max(x));
    let of_label = f64::from(row[label] - top);
    let mut total = 0.0;
    for x in row.iter_mut() {
        *x = (*x - top).exp();
        total += f64::from(*x);
    }
    row.iter_mut().for_each(|x| *x = (f64::from(*x) / total) as f32);
    row[label] -= 1.0;
    total.ln() - of_label
}
