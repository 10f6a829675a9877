//! Whether what is computed for a sample depends on that sample alone.

use super::ops::{leaf, random};
use super::{Graph, Lying, NodeId};
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
            let lies = if node.op == &leaf::INPUT {
                node.ty.shape.0.first().is_some_and(|d| d.symbols().contains(&"N")).then_some(0)
            } else {
                let inputs: Vec<_> = node.inputs.iter().map(|i| self.ty(*i)).collect();
                let known: Vec<_> = node.inputs.iter().map(|i| axes.get(i).copied().flatten()).collect();
                let lying = Lying { attrs: &node.attrs, inputs: &inputs, axes: &known, output: &node.ty };
                match (node.op.samples)(&lying) {
                    Ok(lies) => lies,
                    Err(_) => return Some(id),
                }
            };
            axes.insert(id, lies);
        }
        None
    }

    /// The first node on the way to `from` that draws at random.
    pub fn drawing(&self, from: NodeId) -> Option<NodeId> {
        self.behind(from).into_iter().find(|id| random::OPERATIONS.contains(&self.node(*id).op))
    }
}
