//! Gradient clipping by norm, over all parameters or each for itself.

use rayon::prelude::*;

use super::update::CHUNK;
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::kernels::Elem;

/// The word `clip_norm`.
pub static CLIP_NORM: Entry = Entry {
    name: "clip_norm",
    kind: Kind::Rule,
    params: &[Param::required("max", ParamType::Number { min: 0.0, max: f64::MAX }, "The largest norm let through.")],
    formula: "g *= min(1, max / (|all g| + 1e-6))",
    doc: "Scales the gradients of all parameters together so that their joint norm is at most `max`.",
};

/// The word `clip_each`.
pub static CLIP_EACH: Entry = Entry {
    name: "clip_each",
    kind: Kind::Rule,
    params: &[Param::required("max", ParamType::Number { min: 0.0, max: f64::MAX }, "The largest norm let through.")],
    formula: "g *= min(1, max / (|g| + 1e-6))  for each parameter",
    doc: "Scales the gradient of each parameter by itself so that its norm is at most `max`.",
};

/// How gradients are clipped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// The joint norm of all gradients is at most this.
    Norm(f64),
    /// The norm of each parameter's gradient is at most this.
    Each(f64),
}

impl Clip {
    /// Reads a checked call of `clip_norm` or `clip_each`; `None` for another rule.
    pub fn from_config(config: &Config) -> Option<Self> {
        if config.is(&CLIP_NORM) {
            return Some(Self::Norm(config.number("max")));
        }
        config.is(&CLIP_EACH).then(|| Self::Each(config.number("max")))
    }

    /// The factor of each gradient, for [`super::StepInfo::grad_scale`], given the norm of each.
    pub fn scales(self, norms: &[f64]) -> Vec<f64> {
        let factor = |max: f64, norm: f64| (max / (norm + 1e-6)).min(1.0);
        match self {
            Self::Norm(max) => {
                let joint = norms.iter().map(|n| n * n).sum::<f64>().sqrt();
                vec![factor(max, joint); norms.len()]
            }
            Self::Each(max) => norms.iter().map(|&n| factor(max, n)).collect(),
        }
    }
}

/// The Euclidean norm, the same for every number of threads.
pub fn norm<T: Elem>(values: &[T]) -> f64 {
    norm_of_sum(values, 1.0, values, 0.0)
}

/// The Euclidean norm of `sa * a + sb * b`, summed in fixed stretches in f64.
pub(super) fn norm_of_sum<T: Elem>(a: &[T], sa: f64, b: &[T], sb: f64) -> f64 {
    let part = |(a, b): (&[T], &[T])| sum_squares(a, sa, b, sb);
    if a.len() <= CHUNK {
        return part((a, b)).sqrt();
    }
    let parts: Vec<f64> = a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK)).map(part).collect();
    parts.iter().sum::<f64>().sqrt()
}

/// Eight sums at once, so that the compiler may vectorise.
fn sum_squares<T: Elem>(a: &[T], sa: f64, b: &[T], sb: f64) -> f64 {
    let square = |a: T, b: T| (sa * a.to_f64() + sb * b.to_f64()).powi(2);
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(&a, &b)| square(a, b)).sum();
    let mut lanes = [0.0; 8];
    for (a, b) in a.zip(b) {
        for (lane, (&a, &b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += square(a, b);
        }
    }
    lanes.iter().sum::<f64>() + rest
}
