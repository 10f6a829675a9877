//! Fusion: nodes that can be computed at once become one, so that what lies between them is never written to memory.
//!
//! It comes after differentiation. A rule looks at one node and says what it becomes, given that some of what it reads is used
//! nowhere else; the node keeps its number, its source and its users, and what it no longer reads is dead code.

mod batch_norm;
mod batch_norm_grad;
mod linear;
mod relu_grad;
mod uses;

use super::Program;
use crate::graph::{Attrs, NodeId, Operation};
use uses::Uses;

/// What a node becomes.
pub(super) struct Fused {
    op: &'static Operation,
    attrs: Attrs,
    inputs: Vec<NodeId>,
}

/// Says what a node becomes, if the rule speaks of it.
type Rule = fn(&Uses, NodeId) -> Option<Fused>;

/// Every rule. Each sees what those before it, and all of them at earlier nodes, have made.
const RULES: &[Rule] = &[
    batch_norm::relu_after_batch_norm,
    batch_norm_grad::relu_before_batch_norm_grad,
    relu_grad::sum_before_relu_grad,
    linear::bias_after_product,
    linear::residual_after_linear,
    linear::activation_after_linear,
];

impl Program {
    /// The same program with operations joined. Only the planned engine can compute it, and nothing can differentiate it.
    pub fn fused(self) -> Program {
        let mut uses = Uses::new(self);
        for id in uses.live() {
            for rule in RULES {
                if let Some(fused) = rule(&uses, id) {
                    uses.replace(id, fused);
                }
            }
        }
        uses.finish()
    }
}
