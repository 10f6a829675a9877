//! Adam with decoupled weight decay.

use super::owners::ON;
use super::update::{Optimizer, StepInfo, slots};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::kernels::Elem;

/// The word `adamw`.
pub static ENTRY: Entry = Entry {
    name: "adamw",
    kind: Kind::Optimizer,
    params: &[
        Param::required("lr", ParamType::Scalar { min: 0.0, max: f64::MAX }, "The learning rate."),
        Param::optional(
            "betas",
            ParamType::Numbers,
            "[0.9, 0.999]",
            "The decay of the running averages of the gradient and of its square.",
        ),
        Param::optional(
            "eps",
            ParamType::Number { min: 0.0, max: 1.0 },
            "1e-8",
            "Added to the root of the average square.",
        ),
        Param::optional(
            "weight_decay",
            ParamType::Scalar { min: 0.0, max: f64::MAX },
            "0.01",
            "The share of the parameter, times the learning rate, that each step takes away.",
        ),
        ON,
    ],
    formula: "p -= lr weight_decay p;  m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;  \
              p -= lr (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + eps)",
    doc: "Adam with decoupled weight decay (Loshchilov & Hutter 2019), as in PyTorch.",
};

/// Adam with decoupled weight decay, as `torch.optim.AdamW`.
#[derive(Clone, Debug, PartialEq)]
pub struct AdamW {
    /// Decay of the running averages of the gradient and of its square.
    pub betas: [f64; 2],
    /// Added to the root of the average square.
    pub eps: f64,
}

impl AdamW {
    /// Reads a checked call of `adamw`.
    pub fn from_config(config: &Config) -> Result<Self, String> {
        let betas = config.numbers("betas");
        match betas[..] {
            [a, b] if (0.0..1.0).contains(&a) && (0.0..1.0).contains(&b) => {
                Ok(Self { betas: [a, b], eps: config.number("eps") })
            }
            _ => Err("`betas` of `adamw` takes two numbers of at least 0 and below 1, as in `[0.9, 0.999]`".into()),
        }
    }
}

impl<T: Elem> Optimizer<T> for AdamW {
    fn state_slots(&self) -> usize {
        2
    }

    fn update(&self, step: StepInfo, param: &mut [T], grad: &[T], state: &mut [&mut [T]]) {
        let [b1, b2] = self.betas;
        let t = step.step.clamp(1, i32::MAX as usize) as i32;
        let keep = T::from_f64(1.0 - step.lr * step.weight_decay);
        let rate = T::from_f64(step.lr / (1.0 - b1.powi(t)));
        let root = T::from_f64((1.0 - b2.powi(t)).sqrt().recip());
        let [eps, scale] = [self.eps, step.grad_scale].map(T::from_f64);
        let [a1, a2, b1, b2] = [1.0 - b1, 1.0 - b2, b1, b2].map(T::from_f64);
        let [m, v] = slots::<T, 2>(state);
        for (((p, g), m), v) in param.iter_mut().zip(grad).zip(m).zip(v) {
            let g = scale * *g;
            *m = b1 * *m + a1 * g;
            *v = b2 * *v + a2 * g * g;
            *p = keep * *p - rate * *m / (v.sqrt() * root + eps);
        }
    }
}
