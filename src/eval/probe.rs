//! Any probe of the language.

use super::{Features, Finetune, Knn, LinearProbe, knn, linear_probe};
use crate::catalog::Config;

/// A judgement of an encoder by the labels of samples.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// The vote of the nearest neighbours.
    Knn(Knn),
    /// A linear classifier.
    Linear(LinearProbe),
    /// Encoder and linear classifier, trained on.
    Finetune(Finetune),
}

impl Probe {
    /// Reads a checked call of a probe; `None` where the word is no probe.
    pub fn from_config(config: &Config) -> Option<Self> {
        match config.name.as_str() {
            "knn" => Some(Self::Knn(Knn::from_config(config))),
            "linear" => Some(Self::Linear(LinearProbe::from_config(config))),
            "finetune" => Some(Self::Finetune(Finetune::from_config(config))),
            _ => None,
        }
    }

    /// The word of the language.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Knn(_) => "knn",
            Self::Linear(_) => "linear",
            Self::Finetune(_) => "finetune",
        }
    }

    /// The same probe for raw pixels instead of features of an encoder.
    pub fn of_pixels(&self) -> Self {
        match self {
            Self::Linear(settings) => Self::Linear(settings.of_pixels()),
            other => other.clone(),
        }
    }

    /// The top-1 accuracy, 0 to 1, on `test` of what was learnt from `train`; nothing where features alone do not do.
    pub fn accuracy(&self, train: Features<'_>, test: Features<'_>) -> Option<f64> {
        match self {
            Self::Knn(settings) => Some(knn(train, test, *settings)),
            Self::Linear(settings) => Some(linear_probe(train, test, *settings)),
            Self::Finetune(_) => None,
        }
    }
}
