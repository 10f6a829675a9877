//! What a node costs.

use crate::graph::{Cost, Dim, Graph, NodeId, NodeKind, TensorType};

/// The floating-point operations a node takes.
pub fn flops(graph: &Graph, id: NodeId) -> Dim {
    let node = graph.node(id);
    let NodeKind::Computed(op, attrs) = &node.kind else { return Dim::default() };
    match op.cost {
        Cost::Free => Dim::default(),
        Cost::PerElement(n) => &node.ty.shape.count() * &Dim::from(n),
        Cost::PerInput(n) => {
            let first = node.inputs.first().map_or(Dim::default(), |&i| graph.shape(i).count());
            &first * &Dim::from(n)
        }
        Cost::Rule(rule) => {
            let inputs: Vec<&TensorType> = node.inputs.iter().map(|&i| graph.ty(i)).collect();
            rule(attrs, &inputs, &node.ty)
        }
    }
}
