//! The memory in which augmentations work.

use super::resample::Axis;
use crate::data::Pixels;

/// Memory to work in, kept from one picture to the next; one a thread.
#[derive(Default)]
pub struct Scratch {
    /// A second picture.
    pub(super) picture: Pixels,
    /// Which rows and columns a resized picture is made of.
    pub(super) rows: Axis,
    pub(super) columns: Axis,
    /// What a row is made of: where its parts are, and their weights.
    pub(super) offsets: Vec<usize>,
    pub(super) weights: Vec<f32>,
    pub(super) across: Vec<usize>,
    /// A row, and one whose pixels have a fourth channel.
    pub(super) row: Vec<f32>,
    pub(super) wide: Vec<[f32; 4]>,
}
