//! Values that gradients read: those of the forward pass, or the same computed again (Chen et al. 2016). What one pass over memory brings
//! back is never kept; and where blocks are recomputed, of them only what comes out is, until their gradients are due.

use crate::graph::ops::activation::{GELU, RELU};
use crate::graph::ops::movement::RESHAPE;
use crate::graph::ops::norm::{BATCH_NORM, LAYER_NORM};
use crate::graph::{Graph, NodeId};
use std::ops::Range;

/// Where gradients find the value of each node.
pub(super) struct Values {
    /// The blocks that no gradient has yet come to, in order.
    blocks: Vec<Range<usize>>,
    /// Whether each node is read outside of the block it stands in, or stands in none.
    outside: Vec<bool>,
    /// Whether each node is computed again when a gradient first reads it.
    light: Vec<bool>,
    /// The node that gradients read for each.
    read: Vec<NodeId>,
}

impl Values {
    /// The values of a graph on the way to a loss; whether those inside of blocks are computed again.
    pub fn new(graph: &Graph, loss: NodeId, recompute: bool) -> Self {
        let blocks: Vec<_> = if recompute { graph.blocks.clone() } else { Vec::new() };
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
        Values { blocks, outside, light: light(graph, loss), read }
    }

    /// Says that the gradients of a node are due, those of all later ones being done: its block is computed again.
    pub fn at(&mut self, graph: &mut Graph, node: NodeId) {
        while let Some(block) = self.blocks.pop_if(|block| node.index() < block.end) {
            if !block.contains(&node.index()) {
                continue;
            }
            for i in block {
                let id = NodeId(i as u32);
                if !self.outside[i] && !self.light[i] && graph.node(id).leaf().is_none() {
                    self.compute_again(graph, id);
                }
            }
        }
    }

    /// The node that gradients read for this one.
    pub fn of(&mut self, graph: &mut Graph, node: NodeId) -> NodeId {
        if std::mem::take(&mut self.light[node.index()]) {
            self.compute_again(graph, node);
        }
        self.read[node.index()]
    }

    fn compute_again(&mut self, graph: &mut Graph, node: NodeId) {
        let inputs = graph.node(node).inputs.clone().into_iter().map(|input| self.of(graph, input)).collect();
        self.read[node.index()] = graph.again(node, inputs);
    }
}

/// Which nodes are as soon computed as read, from what is kept for other gradients: `gelu`, layer norm, and `relu` of a batch norm
/// that nothing else reads.
fn light(graph: &Graph, loss: NodeId) -> Vec<bool> {
    let mut readers = vec![0; graph.len()];
    let nodes = || graph.nodes().take(loss.index() + 1);
    nodes().flat_map(|(_, node)| &node.inputs).for_each(|input| readers[input.index()] += 1);
    let mut light = vec![false; graph.len()];
    for (id, node) in nodes() {
        let before = node.inputs.first().map(|input| input.index());
        if node.is(&GELU) || node.is(&LAYER_NORM) {
            light[id.index()] = true;
        } else if node.is(&RESHAPE) {
            light[id.index()] = before.is_some_and(|at| light[at]);
        } else if node.is(&RELU) {
            let norm = before.filter(|&at| graph.node(NodeId(at as u32)).is(&BATCH_NORM) && readers[at] == 1);
            norm.into_iter().chain(norm.map(|_| id.index())).for_each(|at| light[at] = true);
        }
    }
    light
}
