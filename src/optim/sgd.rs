//! Stochastic gradient descent with momentum.

use super::owners::ON;
use super::update::{Optimizer, StepInfo, slots};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::kernels::Elem;

/// The word `sgd`.
pub static ENTRY: Entry = Entry {
    name: "sgd",
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
            "The factor of the parameter that is added to its gradient.",
        ),
        Param::optional("nesterov", ParamType::Bool, "false", "Looks ahead along the momentum."),
        ON,
    ],
    formula: "d = g + weight_decay p;  m = momentum m + d;  p -= lr m  (nesterov: lr (d + momentum m))",
    doc: "Stochastic gradient descent as in PyTorch (Sutskever et al. 2013), without dampening.",
};

/// Stochastic gradient descent with momentum, as `torch.optim.SGD`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sgd {
    /// How much of the last update is kept; without it there is no state.
    pub momentum: f64,
    /// Whether to look ahead along the momentum.
    pub nesterov: bool,
}

impl Sgd {
    /// Reads a checked call of `sgd`.
    pub fn from_config(config: &Config) -> Self {
        Self { momentum: config.number("momentum"), nesterov: config.bool("nesterov") }
    }
}

impl<T: Elem> Optimizer<T> for Sgd {
    fn state_slots(&self) -> usize {
        usize::from(self.momentum != 0.0)
    }

    fn update(&self, step: StepInfo, param: &mut [T], grad: &[T], state: &mut [&mut [T]]) {
        let [lr, decay, scale] = [step.lr, step.weight_decay, step.grad_scale].map(T::from_f64);
        if self.momentum == 0.0 {
            return param.iter_mut().zip(grad).for_each(|(p, g)| *p -= lr * (scale * *g + decay * *p));
        }
        let (momentum, nesterov) = (T::from_f64(self.momentum), self.nesterov);
        let [m] = slots::<T, 1>(state);
        for ((p, g), m) in param.iter_mut().zip(grad).zip(m) {
            let d = scale * *g + decay * *p;
            *m = momentum * *m + d;
            *p -= lr * if nesterov { d + momentum * *m } else { *m };
        }
    }
}
