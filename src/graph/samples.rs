//! Whether what is computed for a sample depends on that sample alone.

use super::{Dim, Graph, Leaf, Lying, Mixed, Mixing, Node, NodeId, NodeKind, TensorType, ValueKind};
use std::collections::BTreeMap;

impl Graph {
    /// The nodes that `from` is computed from, itself included, inputs before what uses them.
    pub fn behind(&self, from: NodeId) -> Vec<NodeId> {
        let mut found = vec![false; self.len()];
        let mut open = vec![from];
        while let Some(id) = open.pop() {
            if !std::mem::replace(&mut found[id.index()], true) {
                open.extend(&self.node(id).inputs);
            }
        }
        self.nodes().map(|(id, _)| id).filter(|id| found[id.index()]).collect()
    }

    /// The first node on the way to `from` whose elements depend on several samples, or on a sample's place in its batch; nothing
    /// where a row of `from` is a function of one sample.
    pub fn mixing(&self, from: NodeId) -> Option<NodeId> {
        let mut axes: BTreeMap<NodeId, Option<usize>> = BTreeMap::new();
        for id in self.behind(from) {
            let node = self.node(id);
            let inputs: Vec<_> = node.inputs.iter().map(|i| self.ty(*i)).collect();
            let known: Vec<_> = node.inputs.iter().map(|i| axes.get(i).copied().flatten()).collect();
            let Ok(lies) = node.samples(&inputs, &known) else { return Some(id) };
            axes.insert(id, lies);
        }
        None
    }

    /// The first node on the way to `from` that draws at random.
    pub fn drawing(&self, from: NodeId) -> Option<NodeId> {
        let draws = |id: &NodeId| self.node(*id).op().is_some_and(|op| op.values.kind == ValueKind::Drawn);
        self.behind(from).into_iter().find(draws)
    }
}

impl Node {
    /// The dimension along which the samples lie in its value, given the types of its inputs and where they lie in these.
    pub fn samples(&self, inputs: &[&TensorType], axes: &[Option<usize>]) -> Result<Option<usize>, Mixed> {
        let counts = |d: &Dim| d.symbols().contains(&"N");
        match &self.kind {
            NodeKind::Computed(op, attrs) => (op.samples)(&Lying { attrs, inputs, axes, output: &self.ty }),
            NodeKind::Leaf(Leaf::Input(_)) => Ok(self.ty.shape.0.first().is_some_and(counts).then_some(0)),
            // It differs with the size of the batch.
            NodeKind::Leaf(Leaf::Dimension { size, .. }) if counts(size) => {
                Err(Mixed { how: Mixing::Place, axis: None })
            }
            NodeKind::Leaf(_) => Ok(None),
        }
    }
}
