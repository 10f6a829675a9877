//! Values that gradients read: those of the forward pass, or for the inside of a block the same computed again when the block's
//! gradients are due (Chen et al. 2016). In between only what comes out of blocks is kept.

use crate::graph::{Graph, NodeId, ops::leaf};
use std::ops::Range;

/// Where gradients find the value of each node.
pub(super) struct Values {
    /// The blocks that no gradient has yet come to, in order.
    blocks: Vec<Range<usize>>,
    /// Whether each node is read outside of the block it stands in, or stands in none.
    outside: Vec<bool>,
    /// The node that gradients read for each.
    read: Vec<NodeId>,
}

impl Values {
    /// The values of a graph on the way to a loss.
    pub fn new(graph: &Graph, loss: NodeId) -> Self {
        let blocks: Vec<_> = if graph.recompute { graph.blocks.clone() } else { Vec::new() };
        let mut place = vec![None; graph.len()];
        for (number, block) in blocks.iter().enumerate() {
            place[block.clone()].fill(Some(number));
        }
        let mut outside: Vec<bool> = place.iter().map(Option::is_none).collect();
        for (id, node) in graph.nodes().take(loss.index() + 1) {
            for input in &node.inputs {
                outside[input.index()] |= place[id.index()] != place[input.index()];
            }
        }
        let read = graph.nodes().map(|(id, _)| id).collect();
        Values { blocks, outside, read }
    }

    /// Says that the gradients of a node are due, those of all later ones being done: its block is computed again.
    pub fn at(&mut self, graph: &mut Graph, node: NodeId) {
        while let Some(block) = self.blocks.pop_if(|block| node.index() < block.end) {
            if !block.contains(&node.index()) {
                continue;
            }
            for i in block {
                let id = NodeId(i as u32);
                if !self.outside[i] && !leaf::OPERATIONS.contains(&graph.node(id).op) {
                    let inputs = graph.node(id).inputs.iter().map(|&input| self.of(input)).collect();
                    self.read[i] = graph.again(id, inputs);
                }
            }
        }
    }

    /// The node that gradients read for this one.
    pub fn of(&self, node: NodeId) -> NodeId {
        self.read[node.index()]
    }
}
