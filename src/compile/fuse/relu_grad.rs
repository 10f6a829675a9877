//! The gradient of a `relu` whose result is used twice, as at the end of every block of a residual network: of a sum of gradients.

use super::{Fused, Uses};
use crate::graph::NodeId;
use crate::graph::ops::activation::RELU_GRAD;
use crate::graph::ops::binary::ADD;
use crate::graph::ops::fused::{BATCH_NORM_RELU, SUM_RELU_GRAD};

/// A gradient of a `relu`, given a sum of two tensors of its shape that nothing else uses.
pub(super) fn sum_before_relu_grad(uses: &Uses, id: NodeId) -> Option<Fused> {
    let node = uses.of(id, &RELU_GRAD)?;
    // The gradients of a batch norm without residual see for themselves what its `relu` cut off.
    if uses.of(node.inputs[0], &BATCH_NORM_RELU).is_some_and(|norm| !norm.attrs().get_bool("residual")) {
        return None;
    }
    let parts = &uses.passing(node.inputs[1], &ADD)?.inputs;
    let whole = parts.iter().all(|&part| uses.node(part).ty.shape == node.ty.shape);
    let inputs = || node.inputs[..1].iter().chain(parts).copied().collect();
    whole.then(|| Fused { op: &SUM_RELU_GRAD, attrs: node.attrs().clone(), inputs: inputs() })
}
