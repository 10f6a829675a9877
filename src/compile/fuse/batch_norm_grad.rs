//! The gradients of `relu(batch_norm(x))`: where the `relu` cut off is seen from `x`, so its own gradient need not be written down.

use super::{Fused, Uses};
use crate::graph::ops::activation::RELU_GRAD;
use crate::graph::ops::fused::{BATCH_NORM_RELU, BATCH_NORM_RELU_INPUT_GRAD, BATCH_NORM_RELU_PARAM_GRAD};
use crate::graph::ops::norm::{BATCH_NORM_INPUT_GRAD, BATCH_NORM_PARAM_GRAD};
use crate::graph::{Node, NodeId};

/// A gradient of a batch norm, given that of a fused `relu` after it, which only gradients of this batch norm use.
pub(super) fn relu_before_batch_norm_grad(uses: &Uses, id: NodeId) -> Option<Fused> {
    let node = uses.node(id);
    if !is_gradient(node) {
        return None;
    }
    let op = if node.is(&BATCH_NORM_PARAM_GRAD) { &BATCH_NORM_RELU_PARAM_GRAD } else { &BATCH_NORM_RELU_INPUT_GRAD };
    let [y, dy] = uses.of(node.inputs[2], &RELU_GRAD)?.inputs[..] else { return None };
    let forward = uses.of(y, &BATCH_NORM_RELU)?;
    let ours = |user: &Node| is_gradient(user) && user.inputs[..2] == forward.inputs[..2];
    if forward.attrs().get_bool("residual") || !ours(node) || !uses.users(node.inputs[2])?.all(ours) {
        return None;
    }
    if node.inputs.get(4).is_some_and(|gamma| forward.inputs.get(2) != Some(gamma)) {
        return None;
    }
    let sums = node.inputs.get(3).copied();
    let inputs = node.inputs[..2].iter().copied().chain([dy]).chain(sums).chain(forward.inputs[2..].iter().copied());
    Some(Fused { op, attrs: node.attrs().clone(), inputs: inputs.collect() })
}

fn is_gradient(node: &Node) -> bool {
    node.is(&BATCH_NORM_PARAM_GRAD) || node.is(&BATCH_NORM_INPUT_GRAD)
}
