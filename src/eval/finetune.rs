//! The fine-tuning probe: what is to be done. The encoder itself takes part, so the trainer does it.

use crate::catalog::{Config, Entry, Kind, Param, ParamType};

/// The word `finetune`.
pub static ENTRY: Entry = Entry {
    name: "finetune",
    kind: Kind::Probe,
    params: &[
        Param::optional(
            "epochs",
            ParamType::Number { min: 1e-3, max: 1e6 },
            "10",
            "Passes over the training split; fractions allowed.",
        ),
        Param::optional("batch", ParamType::Int { min: 1, max: 1 << 20 }, "128", "Samples a step."),
        Param::optional(
            "optimizer",
            ParamType::Word(Kind::Optimizer),
            "adamw(lr: cosine(1e-3 -> 0), weight_decay: 0.05)",
            "The rule that updates encoder and classifier; its schedules last as long as the probe.",
        ),
        Param::optional(
            "scale",
            ParamType::Range { min: 1e-6, max: 1.0 },
            "0.5..1",
            "The area of the crops it trains on, as a share of the picture's; every other one is flipped.",
        ),
    ],
    formula: "min over encoder, W, b of mean(cross_entropy(label, W f(x) + b))",
    doc: "Trains the encoder and a linear classifier on its features by labels, starting from the learnt weights: \
          how good a start they are. The same from the untrained weights is training from scratch. \
          States such as running statistics go on from where they were.",
};

/// How the encoder is tuned.
#[derive(Clone, Debug, PartialEq)]
pub struct Finetune {
    /// Passes over the training split.
    pub epochs: f64,
    /// Samples a step.
    pub batch: usize,
    /// The optimizers: one, or several that share the parameters out.
    pub optimizers: Vec<Config>,
    /// Bounds of the area of the crops.
    pub scale: (f64, f64),
}

impl Finetune {
    /// Reads a checked call of `finetune`.
    pub fn from_config(config: &Config) -> Self {
        Self {
            epochs: config.number("epochs"),
            batch: config.int("batch"),
            optimizers: config.configs("optimizer"),
            scale: config.range("scale").unwrap_or((0.5, 1.0)),
        }
    }
}
