//! How operations are composed of candle's.

use crate::exec::site::{Moment, Site};
use crate::graph::Operation;
use candle_core::{DType, Result, Tensor};

/// The step that is being computed, and in what.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    /// From what random operations draw.
    pub moment: Moment<'a>,
    /// The element type of all tensors.
    pub dtype: DType,
}

/// From the inputs of a node to its value.
pub type Lower = fn(&Site, &[Tensor], Step) -> Result<Tensor>;

/// The composition of that operation.
pub fn find(op: &Operation) -> Option<Lower> {
    let families = [
        super::elementwise::LOWERINGS,
        super::movement::LOWERINGS,
        super::reduce::LOWERINGS,
        super::attention::LOWERINGS,
        super::random::LOWERINGS,
        super::images::LOWERINGS,
        super::labels::LOWERINGS,
        super::norm::LOWERINGS,
        super::linalg::LOWERINGS,
        super::assign::LOWERINGS,
    ];
    families.into_iter().flatten().find(|(known, _)| *known == op).map(|(_, lower)| *lower)
}

/// 1 where a condition (of candle's type for conditions) holds, else 0, in the type of `like`.
pub fn mask(condition: &Tensor, like: &Tensor) -> Result<Tensor> {
    condition.to_dtype(like.dtype())
}
