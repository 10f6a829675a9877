//! What is to be computed of a graph: the nodes asked for, and what of the graph they need.

use super::Assignment;
use super::narrow::narrow;
use crate::catalog::Config;
use crate::graph::{Graph, NodeId, ParamId};

/// How a program is compiled, where there is a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Whether convolutions may be computed by fewer products, which round about twice as coarsely.
    pub fast_convolution: bool,
    /// Whether what is inside of blocks is computed again for the gradients, and not kept.
    pub recompute: bool,
}

/// A graph with the results that are wanted of it.
#[derive(Clone, Debug)]
pub struct Program {
    /// The graph, gradient nodes included.
    pub graph: Graph,
    /// The total loss, for a program with gradients.
    pub loss: Option<NodeId>,
    /// The values to be read after a run, in order.
    pub outputs: Vec<NodeId>,
    /// The gradient of the loss by each parameter that has one, in order of the parameters.
    pub grads: Vec<(ParamId, NodeId)>,
    /// The gradient of the loss by inputs, where asked for.
    pub input_grads: Vec<(String, NodeId)>,
    /// What changes at the beginning of a step, in order.
    pub before: Vec<Assignment>,
    /// What changes at its end, in order, after the states.
    pub after: Vec<Assignment>,
    /// How it is compiled.
    pub wishes: Wishes,
    /// How gradients are clipped before optimizers see them: a checked call of `clip_norm` or `clip_each`.
    pub clip: Option<Config>,
}

impl Program {
    /// A program that computes nothing of a graph yet.
    pub(super) fn of(graph: Graph) -> Program {
        Program {
            graph,
            loss: None,
            outputs: Vec::new(),
            grads: Vec::new(),
            input_grads: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            wishes: Wishes::default(),
            clip: None,
        }
    }

    /// A program without gradients that computes `outputs`; states stay as they are.
    pub fn forward(mut graph: Graph, outputs: Vec<NodeId>) -> Program {
        graph.updates.clear();
        let (graph, outputs) = narrow(&graph, &outputs);
        Program { outputs, ..Program::of(graph) }
    }

    /// The same, compiled so.
    pub fn wishing(self, wishes: Wishes) -> Program {
        Program { wishes, ..self }
    }

    /// Every node whose value is wanted: outputs, loss, gradients and what states become.
    pub fn results(&self) -> impl Iterator<Item = NodeId> {
        let grads = self.grads.iter().map(|(_, node)| *node);
        let input_grads = self.input_grads.iter().map(|(_, node)| *node);
        let updates = self.graph.updates.iter().map(|u| u.value);
        self.outputs.iter().copied().chain(self.loss).chain(grads).chain(input_grads).chain(updates)
    }

    /// The nodes that a result depends on, in order of computation; all others are dead code.
    pub fn live(&self) -> Vec<NodeId> {
        let live = self.needed(self.results());
        self.graph.nodes().map(|(id, _)| id).filter(|id| live[id.index()]).collect()
    }

    /// Whether each node is needed for one of `results`.
    pub fn needed(&self, results: impl Iterator<Item = NodeId>) -> Vec<bool> {
        let mut needed = vec![false; self.graph.len()];
        let mut open: Vec<NodeId> = results.collect();
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut needed[node.index()], true) {
                open.extend(&self.graph.node(node).inputs);
            }
        }
        needed
    }
}
