//! Functions of features and labels: k-NN, linear probe, collapse measures.
//!
//! A new probe is one file here with its entry, a line in [`PROBES`] and a variant of [`Probe`].

mod collapse;
mod features;
mod few_shot;
mod finetune;
mod held_out;
mod knn;
mod lbfgs;
mod linear;
mod logistic;
mod measure;
mod nearest;
mod pair;
mod probe;
mod retrieval;
mod uniformity;
mod whitening;
mod zero_shot;

pub use collapse::{Spread, effective_rank, feature_std, spread};
pub use features::Features;
pub use few_shot::{FewShot, few_shot, few_shot_rows};
pub use finetune::{ENTRY as FINETUNE, Finetune};
pub use held_out::held_out;
pub use knn::{Knn, knn};
pub use linear::{LinearClassifier, LinearProbe, linear_probe};
pub use measure::{MEASURES, Measure};
pub use nearest::neighbours;
pub use pair::Pairing;
pub use probe::{PROBES, Probe, ProbeWord};
pub use retrieval::{DEPTHS, Recall, recall};
pub use uniformity::{alignment, uniformity};
pub use zero_shot::{ZeroShot, zero_shot};
