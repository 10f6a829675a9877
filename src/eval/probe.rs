//! Any probe of the language.

use super::{Features, Knn, LinearProbe, knn, linear_probe};
use crate::catalog::Config;

/// A judgement of frozen features by their labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Probe {
    /// The vote of the nearest neighbours.
    Knn(Knn),
    /// A linear classifier.
    Linear(LinearProbe),
}

impl Probe {
    /// Reads a checked call of a probe; `None` where the word is no probe.
    pub fn from_config(config: &Config) -> Option<Self> {
        match config.name.as_str() {
            "knn" => Some(Self::Knn(Knn::from_config(config))),
            "linear" => Some(Self::Linear(LinearProbe::from_config(config))),
            _ => None,
        }
    }

    /// The word of the language.
    pub fn name(self) -> &'static str {
        match self {
            Self::Knn(_) => "knn",
            Self::Linear(_) => "linear",
        }
    }

    /// The top-1 accuracy, 0 to 1, on `test` of what was learnt from `train`.
    pub fn accuracy(self, train: Features<'_>, test: Features<'_>) -> f64 {
        match self {
            Self::Knn(settings) => knn(train, test, settings),
            Self::Linear(settings) => linear_probe(train, test, settings),
        }
    }
}
