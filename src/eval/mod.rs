//! Functions of features and labels: k-NN, linear probe, collapse measures.
//!
//! A new probe is one file here with its entry, a line in [`PROBES`] and a variant of [`Probe`].

mod collapse;
mod eigen;
mod features;
mod finetune;
mod knn;
mod lbfgs;
mod linear;
mod logistic;
mod matrix;
mod nearest;
mod pair;
mod probe;
mod retrieval;
mod rotations;
mod tridiagonal;
mod uniformity;
mod whitening;
mod zero_shot;

pub use collapse::{Spread, effective_rank, feature_std, spread};
pub use eigen::{Eigen, symmetric_eigen, symmetric_eigenvalues};
pub use features::Features;
pub use finetune::Finetune;
pub use knn::{Knn, knn};
pub use linear::{LinearClassifier, LinearProbe, linear_probe};
pub use nearest::neighbours;
pub use pair::Pairing;
pub use probe::Probe;
pub use retrieval::{DEPTHS, Recall, recall};
pub use uniformity::{alignment, uniformity};
pub use zero_shot::{ZeroShot, zero_shot};

use crate::catalog::Entry;

/// Every probe of the language.
pub const PROBES: &[&Entry] = &[&knn::ENTRY, &linear::ENTRY, &finetune::ENTRY, &retrieval::ENTRY, &zero_shot::ENTRY];
