//! Stochastic gradient descent with momentum.

use super::owners::ON;
use super::update::{Optimizer, ParamInfo, StepInfo, by_chunks, slots};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};

/// The word `sgd`.
pub const ENTRY: Entry = Entry {
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

impl Optimizer for Sgd {
    fn state_slots(&self) -> usize {
        usize::from(self.momentum != 0.0)
    }

    fn update(&self, step: StepInfo, _: ParamInfo, param: &mut [f32], grad: &[f32], state: &mut [&mut [f32]]) {
        let (lr, decay, scale) = (step.lr as f32, step.weight_decay as f32, step.grad_scale as f32);
        if self.momentum == 0.0 {
            return by_chunks(param, grad, [], &|p, g, []| {
                p.iter_mut().zip(g).for_each(|(p, g)| *p -= lr * (scale * g + decay * *p));
            });
        }
        let (momentum, nesterov) = (self.momentum as f32, self.nesterov);
        by_chunks(param, grad, slots::<1>(state), &|p, g, [m]| {
            for ((p, g), m) in p.iter_mut().zip(g).zip(m) {
                let d = scale * g + decay * *p;
                *m = momentum * *m + d;
                *p -= lr * if nesterov { d + momentum * *m } else { *m };
            }
        });
    }
}
