//! A linear probe that learns beside the encoder, batch by batch.

use super::features::{accuracy, argmax, moments};
use super::linear::softmax_error;
use super::matrix::{Matrix, multiply};

const MOMENTUM: f32 = 0.9;
/// How much of the running mean and variance each batch replaces.
const RENEWAL: f64 = 0.1;

/// Softmax regression by SGD with momentum on features that are standardised by running statistics.
///
/// It only reads features: nothing flows back into what made them.
#[derive(Clone, Debug, PartialEq)]
pub struct OnlineProbe {
    dim: usize,
    classes: usize,
    started: bool,
    mean: Vec<f64>,
    variance: Vec<f64>,
    /// `[dim + 1, classes]`: weights, then the bias; the velocity likewise.
    weight: Vec<f32>,
    velocity: Vec<f32>,
}

impl OnlineProbe {
    /// A probe that knows nothing yet, for features of length `dim`.
    pub fn new(dim: usize, classes: usize) -> Self {
        let zeros = vec![0.0; (dim + 1) * classes];
        let (mean, variance) = (vec![0.0; dim], vec![1.0; dim]);
        Self { dim, classes, started: false, mean, variance, weight: zeros.clone(), velocity: zeros }
    }

    /// Learns from a batch of features `[rows, dim]` and gives its mean cross entropy before that.
    ///
    /// Labels the probe has no class for are passed over.
    pub fn step(&mut self, features: &[f32], labels: &[u32], lr: f64) -> f64 {
        self.renew(features);
        let (x, mut errors) = self.forward(features);
        let rows = labels.len().max(1);
        let mut loss = 0.0;
        for (row, &label) in errors.chunks_exact_mut(self.classes).zip(labels) {
            if (label as usize) < self.classes {
                loss += softmax_error(row, label as usize);
            } else {
                row.fill(0.0);
            }
        }
        let mut gradient = vec![0.0; self.weight.len()];
        let sides = (Matrix::new(&x, labels.len(), self.dim + 1), Matrix::new(&errors, labels.len(), self.classes));
        multiply(&mut gradient, false, sides.0.t(), sides.1);
        for ((w, v), g) in self.weight.iter_mut().zip(&mut self.velocity).zip(&gradient) {
            *v = MOMENTUM * *v + g / rows as f32;
            *w -= lr as f32 * *v;
        }
        loss / rows as f64
    }

    /// The top-1 accuracy, 0 to 1, on features `[rows, dim]`.
    pub fn accuracy(&self, features: &[f32], labels: &[u32]) -> f64 {
        let (_, logits) = self.forward(features);
        let predictions: Vec<u32> = logits.chunks_exact(self.classes.max(1)).map(argmax).collect();
        accuracy(&predictions, labels)
    }

    /// Everything the probe knows, as numbers, for a checkpoint.
    pub fn save(&self) -> Vec<f32> {
        let statistics = self.mean.iter().chain(&self.variance).map(|&x| x as f32);
        let started = if self.started { 1.0 } else { 0.0 };
        std::iter::once(started).chain(statistics).chain(self.weight.iter().chain(&self.velocity).copied()).collect()
    }

    /// Takes over what [`OnlineProbe::save`] gave for a probe of the same sizes; an error where the sizes differ.
    pub fn load(&mut self, saved: &[f32]) -> Result<(), String> {
        let expected = 1 + 2 * self.dim + 2 * self.weight.len();
        if saved.len() != expected {
            return Err(format!("an online probe of {expected} numbers was expected, not of {}", saved.len()));
        }
        let (statistics, learnt) = saved[1..].split_at(2 * self.dim);
        let doubles = |s: &[f32]| s.iter().map(|&x| f64::from(x)).collect();
        self.started = saved[0] != 0.0;
        (self.mean, self.variance) = (doubles(&statistics[..self.dim]), doubles(&statistics[self.dim..]));
        let (weight, velocity) = learnt.split_at(self.weight.len());
        (self.weight, self.velocity) = (weight.to_vec(), velocity.to_vec());
        Ok(())
    }

    /// Moves the running statistics towards those of a batch.
    fn renew(&mut self, features: &[f32]) {
        let (mean, variance) = moments(features, self.dim);
        let share = if self.started { RENEWAL } else { 1.0 };
        self.started = true;
        let blend = |old: &mut [f64], new: &[f64]| {
            // Through f32, so that a probe loaded from a checkpoint goes on exactly as one that never stopped.
            old.iter_mut().zip(new).for_each(|(o, n)| *o = f64::from((*o + share * (n - *o)) as f32));
        };
        blend(&mut self.mean, &mean);
        blend(&mut self.variance, &variance);
    }

    /// Standardised features with a column of ones, and their logits.
    fn forward(&self, features: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let rows = features.len() / self.dim.max(1);
        let scale: Vec<f64> = self.variance.iter().map(|v| 1.0 / (v + 1e-5).sqrt()).collect();
        let mut x = Vec::with_capacity(rows * (self.dim + 1));
        for row in features.chunks_exact(self.dim.max(1)) {
            x.extend(row.iter().zip(&self.mean).zip(&scale).map(|((&x, m), s)| ((f64::from(x) - m) * s) as f32));
            x.push(1.0);
        }
        let mut logits = vec![0.0; rows * self.classes];
        let sides = (Matrix::new(&x, rows, self.dim + 1), Matrix::new(&self.weight, self.dim + 1, self.classes));
        multiply(&mut logits, false, sides.0, sides.1);
        (x, logits)
    }
}
