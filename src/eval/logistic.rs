//! Multinomial logistic regression on whitened features.

use std::sync::Arc;

use rayon::prelude::*;

use super::features::Features;
use super::lbfgs::minimize;
use super::whitening::Whitening;
use crate::kernels::{Matrix, multiply, product};

/// Rows whose features are in memory as f64 at a time, and how many numbers these may be.
const BLOCK: usize = 512;
const BLOCK_NUMBERS: usize = 1 << 17;

/// The most parts the rows are shared out in, and how many numbers their gradients may be.
const PARTS: usize = 32;
const PART_NUMBERS: usize = 1 << 25;

/// The gradient that ends the training, as a share of that of no weights at all.
const TOLERANCE: f64 = 1e-5;

/// The training objective; its variables are `[rank + 1, classes]`: the weights of whitened features, then the bias.
pub(super) struct Problem {
    whitening: Arc<Whitening>,
    /// `[rows, rank]`: whitened features.
    values: Vec<f32>,
    /// The labels that occur, in order. A class without samples has no say.
    pub classes: Vec<u32>,
    /// The label of each row, as a place in `classes`.
    targets: Vec<usize>,
    /// The weight of half the squared weights.
    pub l2: f64,
}

/// What some rows add to loss and gradient.
struct Part {
    loss: f64,
    weight: Vec<f64>,
    bias: Vec<f64>,
}

impl Problem {
    /// Whitens by the components of at least `min_variance` times the largest variance.
    pub fn new(train: Features<'_>, min_variance: f64, l2: f64) -> Self {
        Self::within(Arc::new(Whitening::fit(train.values, train.dim, min_variance)), train, l2)
    }

    /// Whitens as others were whitened.
    pub fn within(whitening: Arc<Whitening>, train: Features<'_>, l2: f64) -> Self {
        let mut classes = train.labels.to_vec();
        classes.sort_unstable();
        classes.dedup();
        let place = |label| classes.partition_point(|c| c < label);
        let targets = train.labels.iter().map(place).collect();
        Self { values: whitening.apply(train.values), whitening, classes, targets, l2 }
    }

    /// The best weights `[dim, classes]` and biases `[classes]` of features as they are: the whitening is folded in.
    pub fn solve(&self, iterations: usize) -> (Vec<f64>, Vec<f64>) {
        let (rank, classes) = (self.whitening.rank, self.classes.len());
        let start = vec![0.0; (rank + 1) * classes];
        let best = minimize(|theta| self.evaluate(theta), start, iterations, TOLERANCE);
        let (weight, bias) = best.split_at(rank * classes);
        let (weight, mut bias) = (product(self.whitening.map(), Matrix::new(weight, rank, classes)), bias.to_vec());
        for (row, mean) in weight.chunks_exact(classes.max(1)).zip(&self.whitening.mean) {
            bias.iter_mut().zip(row).for_each(|(b, w)| *b -= mean * w);
        }
        (weight, bias)
    }

    /// The objective and its gradient.
    fn evaluate(&self, theta: &[f64]) -> (f64, Vec<f64>) {
        let (rows, rank) = (self.targets.len(), self.whitening.rank);
        let block = (BLOCK_NUMBERS / rank.max(1)).clamp(32, BLOCK);
        let most = (PART_NUMBERS / theta.len().max(1)).clamp(1, PARTS);
        let stretch = rows.div_ceil(most).max(block);
        let parts: Vec<Part> = self
            .targets
            .par_chunks(stretch)
            .enumerate()
            .map(|(i, targets)| self.part(theta, i * stretch, targets, block))
            .collect();
        self.gather(theta, &parts)
    }

    /// The part of the rows from `first` on.
    fn part(&self, theta: &[f64], first: usize, targets: &[usize], block: usize) -> Part {
        let (rank, classes) = (self.whitening.rank, self.classes.len());
        let (weight, bias) = theta.split_at(rank * classes);
        let mut part = Part { loss: 0.0, weight: vec![0.0; rank * classes], bias: vec![0.0; classes] };
        for (i, targets) in targets.chunks(block).enumerate() {
            let (start, rows) = (first + i * block, targets.len());
            let x: Vec<f64> = self.values[start * rank..(start + rows) * rank].iter().map(|&x| x.into()).collect();
            let mut errors = bias.repeat(rows);
            multiply(&mut errors, true, Matrix::new(&x, rows, rank), Matrix::new(weight, rank, classes));
            for (row, &target) in errors.chunks_exact_mut(classes).zip(targets) {
                part.loss += softmax_error(row, target);
                part.bias.iter_mut().zip(row).for_each(|(b, e)| *b += *e);
            }
            multiply(&mut part.weight, true, Matrix::new(&x, rows, rank).t(), Matrix::new(&errors, rows, classes));
        }
        part
    }

    /// Adds up the parts in order, and the penalty.
    fn gather(&self, theta: &[f64], parts: &[Part]) -> (f64, Vec<f64>) {
        let (split, rows) = (self.whitening.rank * self.classes.len(), self.targets.len().max(1) as f64);
        let mut gradient = vec![0.0; theta.len()];
        let (weight, bias) = gradient.split_at_mut(split);
        for part in parts {
            weight.iter_mut().zip(&part.weight).for_each(|(g, p)| *g += p / rows);
            bias.iter_mut().zip(&part.bias).for_each(|(g, p)| *g += p / rows);
        }
        weight.iter_mut().zip(theta).for_each(|(g, t)| *g += self.l2 * t);
        let penalty = 0.5 * self.l2 * theta[..split].iter().map(|t| t * t).sum::<f64>();
        (parts.iter().map(|p| p.loss).sum::<f64>() / rows + penalty, gradient)
    }
}

/// Turns a row of logits into softmax minus one-hot target, and gives the cross entropy.
fn softmax_error(row: &mut [f64], target: usize) -> f64 {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let of_target = row[target] - top;
    let mut total = 0.0;
    for x in row.iter_mut() {
        *x = (*x - top).exp();
        total += *x;
    }
    row.iter_mut().for_each(|x| *x /= total);
    row[target] -= 1.0;
    total.ln() - of_target
}
