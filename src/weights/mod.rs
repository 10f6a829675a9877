//! Weights that others have saved: files are read, never executed, and their tensors found by what fits.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "types of files that others have made: what is not read is reported"
)]

mod element;
mod file;
mod fit;
mod layout;
mod norm;
mod pickle;
mod positions;
mod stem;
mod take;
mod torch;

pub use element::Element;
pub use file::{Stored, WeightsFile};
pub use fit::Wanted;
pub use norm::{KnownNorm, known_norm};
pub use positions::square_positions;
pub use take::{Taking, take};
