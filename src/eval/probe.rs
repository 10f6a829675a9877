//! Any probe of the language.

use super::held_out::candidates;
use super::{
    FewShot, Finetune, Knn, LinearProbe, Pairing, ZeroShot, few_shot, finetune, knn, linear, retrieval, zero_shot,
};
use crate::catalog::{Config, Entry};

/// A judgement of an encoder by the labels of samples.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// The vote of the nearest neighbours.
    Knn(Knn),
    /// A linear classifier.
    Linear {
        /// How it is trained.
        settings: LinearProbe,
        /// Penalties to choose from, if there are several.
        candidates: Vec<f64>,
    },
    /// A linear classifier that is told few labels.
    FewShot(FewShot),
    /// Encoder and linear classifier, trained on.
    Finetune(Finetune),
    /// Whether pictures and texts find each other.
    Retrieval(Pairing),
    /// Classes by their names.
    ZeroShot(ZeroShot),
}

/// A probe's word, and how a checked call of it is read.
pub struct ProbeWord {
    /// Its signature and documentation.
    pub entry: &'static Entry,
    read: fn(&Config) -> Probe,
}

/// Every probe of the language.
pub static PROBES: &[ProbeWord] = &[
    ProbeWord { entry: &knn::ENTRY, read: |config| Probe::Knn(Knn::from_config(config)) },
    ProbeWord {
        entry: &linear::ENTRY,
        read: |config| Probe::Linear { settings: LinearProbe::from_config(config), candidates: candidates(config) },
    },
    ProbeWord { entry: &few_shot::ENTRY, read: |config| Probe::FewShot(FewShot::from_config(config)) },
    ProbeWord { entry: &finetune::ENTRY, read: |config| Probe::Finetune(Finetune::from_config(config)) },
    ProbeWord { entry: &retrieval::ENTRY, read: |config| Probe::Retrieval(Pairing::from_config(config)) },
    ProbeWord { entry: &zero_shot::ENTRY, read: |config| Probe::ZeroShot(ZeroShot::from_config(config)) },
];

impl Probe {
    /// Reads a checked call of a probe; `None` where the word is no probe.
    pub fn from_config(config: &Config) -> Option<Self> {
        let word = PROBES.iter().find(|word| config.is(word.entry))?;
        Some((word.read)(config))
    }

    /// The word of the language.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Knn(_) => "knn",
            Self::Linear { .. } => "linear",
            Self::FewShot(_) => "few_shot",
            Self::Finetune(_) => "finetune",
            Self::Retrieval(_) => "retrieval",
            Self::ZeroShot(_) => "zero_shot",
        }
    }

    /// What its result is called where it is the only one of its kind.
    pub fn title(&self) -> String {
        match self {
            Self::FewShot(settings) => format!("{} {}%", self.name(), 100.0 * settings.share),
            Self::Knn(_) | Self::Linear { .. } | Self::Finetune(_) | Self::Retrieval(_) | Self::ZeroShot(_) => {
                self.name().to_owned()
            }
        }
    }

    /// The same probe for raw pixels instead of features of an encoder.
    pub fn of_pixels(&self) -> Self {
        match self {
            Self::Linear { settings, candidates } => {
                Self::Linear { settings: settings.of_pixels(), candidates: candidates.clone() }
            }
            Self::FewShot(few) => Self::FewShot(FewShot { linear: few.linear.of_pixels(), ..few.clone() }),
            Self::Knn(_) | Self::Finetune(_) | Self::Retrieval(_) | Self::ZeroShot(_) => self.clone(),
        }
    }
}
