//! `relu(batch_norm(x) + residual)`, the end of every block of a residual network, and `relu(batch_norm(x))`.

use super::{Fused, Uses};
use crate::graph::ops::activation::RELU;
use crate::graph::ops::binary::ADD;
use crate::graph::ops::fused::BATCH_NORM_RELU;
use crate::graph::ops::norm::BATCH_NORM;
use crate::graph::{Attrs, Node, NodeId};

/// A `relu` of a batch norm, or of a sum with a batch norm, that nothing else uses.
pub(super) fn relu_after_batch_norm(uses: &Uses, id: NodeId) -> Option<Fused> {
    let before = uses.of(id, &RELU)?.inputs[0];
    if let Some(norm) = uses.passing(before, &BATCH_NORM) {
        return Some(joined(norm, None));
    }
    let [a, b] = uses.passing(before, &ADD)?.inputs[..] else { return None };
    let norm_of = |id: NodeId| uses.passing(id, &BATCH_NORM).filter(|norm| norm.ty == uses.node(before).ty);
    let (norm, residual) = norm_of(a).map(|norm| (norm, b)).or_else(|| norm_of(b).map(|norm| (norm, a)))?;
    (uses.node(residual).ty.shape == norm.ty.shape).then(|| joined(norm, Some(residual)))
}

fn joined(norm: &Node, residual: Option<NodeId>) -> Fused {
    let attrs = Attrs::new().float("eps", norm.attrs().get_float("eps")).bool("residual", residual.is_some());
    Fused { op: &BATCH_NORM_RELU, attrs, inputs: norm.inputs.iter().copied().chain(residual).collect() }
}
