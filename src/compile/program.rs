//! What is to be computed of a graph: the nodes asked for, and what of the graph they need.

use crate::graph::{Graph, NodeId, ParamId};

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
}

impl Program {
    /// A program without gradients that computes `outputs`; states stay as they are.
    pub fn forward(mut graph: Graph, outputs: Vec<NodeId>) -> Program {
        graph.updates.clear();
        Program { graph, loss: None, outputs, grads: Vec::new(), input_grads: Vec::new() }
    }
}
