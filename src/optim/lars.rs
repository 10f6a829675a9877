//! Layer-wise adaptive rate scaling: momentum whose step in each parameter is proportional to the parameter's norm.

use super::clip::{norm, norm_of_sum};
use super::owners::ON;
use super::update::{Optimizer, ParamInfo, StepInfo, slots};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::kernels::Elem;

/// The word `lars`.
pub static ENTRY: Entry = Entry {
    name: "lars",
    kind: Kind::Optimizer,
    params: &[
        Param::required("lr", ParamType::Scalar { min: 0.0, max: f64::MAX }, "The learning rate."),
        Param::optional(
            "momentum",
            ParamType::Number { min: 0.0, max: 1.0 },
            "0.9",
            "How much of the last update is kept.",
        ),
        Param::optional(
            "weight_decay",
            ParamType::Scalar { min: 0.0, max: f64::MAX },
            "0",
            "The factor of the parameter that is added to its gradient before the norm is taken.",
        ),
        Param::optional(
            "eta",
            ParamType::Number { min: 0.0, max: f64::MAX },
            "0.001",
            "The trust coefficient: the length of a step relative to the parameter's norm, at a learning rate of 1.",
        ),
        Param::optional(
            "clip",
            ParamType::Bool,
            "false",
            "Whether a parameter's own rate may not exceed the learning rate (LARC).",
        ),
        Param::optional(
            "exclude",
            ParamType::Bool,
            "true",
            "Leaves biases and normalisations out of both adaptation and weight decay.",
        ),
        Param::optional(
            "eps",
            ParamType::Number { min: 0.0, max: 1.0 },
            "1e-8",
            "Added to the denominator of the clipped form.",
        ),
        ON,
    ],
    formula: "q = eta |p| / |g + weight_decay p|  (clip: min(eta |p| / (|g| + weight_decay |p| + eps) / lr, 1));  \
              m = momentum m + q (g + weight_decay p);  p -= lr m",
    doc: "Momentum with a rate for each parameter in proportion to its norm (You et al. 2017, arXiv:1708.03888), for \
          large batches. The plain form is that of the official self-supervised code bases; the clipped one suits small data.",
};

/// Layer-wise adaptive rate scaling.
#[derive(Clone, Debug, PartialEq)]
pub struct Lars {
    /// How much of the last update is kept.
    pub momentum: f64,
    /// The trust coefficient.
    pub eta: f64,
    /// Whether a parameter's own rate is capped by the learning rate.
    pub clip: bool,
    /// Whether biases and normalisations are neither adapted nor decayed.
    pub exclude: bool,
    /// Added to the denominator of the clipped form.
    pub eps: f64,
}

impl Lars {
    /// Reads a checked call of `lars`.
    pub fn from_config(config: &Config) -> Self {
        Self {
            momentum: config.number("momentum"),
            eta: config.number("eta"),
            clip: config.bool("clip"),
            exclude: config.bool("exclude"),
            eps: config.number("eps"),
        }
    }

    /// The weight decay in force for a parameter and the factor its decayed gradient is multiplied by.
    ///
    /// A parameter or gradient of norm zero keeps factor 1; the clipped form does not decay it either.
    fn trust<T: Elem>(&self, step: StepInfo, info: ParamInfo, param: &[T], grad: &[T]) -> (f64, f64) {
        if self.exclude && info.is_bias_or_norm() {
            return (0.0, 1.0);
        }
        let (scale, decay) = (step.grad_scale, step.weight_decay);
        let param_norm = norm(param);
        if self.clip {
            let grad_norm = scale * norm(grad);
            if param_norm == 0.0 || grad_norm == 0.0 {
                return (0.0, 1.0);
            }
            let rate = self.eta * param_norm / (grad_norm + decay * param_norm + self.eps);
            return (decay, if step.lr > 0.0 { (rate / step.lr).min(1.0) } else { 1.0 });
        }
        let total = norm_of_sum(grad, scale, param, decay);
        (decay, if param_norm > 0.0 && total > 0.0 { self.eta * param_norm / total } else { 1.0 })
    }
}

impl<T: Elem> Optimizer<T> for Lars {
    fn state_slots(&self) -> usize {
        1
    }

    fn adapt(&self, step: StepInfo, info: ParamInfo, param: &[T], grad: &[T]) -> StepInfo {
        let (weight_decay, trust) = self.trust(step, info, param, grad);
        StepInfo { weight_decay, trust, ..step }
    }

    fn update(&self, step: StepInfo, param: &mut [T], grad: &[T], state: &mut [&mut [T]]) {
        let [lr, momentum] = [step.lr, self.momentum].map(T::from_f64);
        let [from_grad, from_param] = [step.trust * step.grad_scale, step.trust * step.weight_decay].map(T::from_f64);
        let [m] = slots::<T, 1>(state);
        for ((p, g), m) in param.iter_mut().zip(grad).zip(m) {
            *m = momentum * *m + (from_grad * *g + from_param * *p);
            *p -= lr * *m;
        }
    }
}
