//! Which operation made of finite numbers some that are not.

use super::call::{Call, Outside};
use crate::compile::Program;
use crate::exec::{Culprit, Real};
use crate::graph::{Node, NodeId};

/// What is known of the nodes of a program while it is computed.
pub struct Suspects<'a> {
    program: &'a Program,
    /// Whether a number of each node is not finite.
    bad: Vec<bool>,
}

impl<'a> Suspects<'a> {
    /// Before anything is computed.
    pub fn new(program: &'a Program) -> Self {
        Self { program, bad: vec![false; program.graph.len()] }
    }

    /// Looks at the result of a call that has just been done, and at what it read from outside.
    pub fn look<T: Real>(&mut self, call: &Call<T>, arena: &[T], outside: &Outside<T>) {
        let node = self.program.graph.node(call.node);
        for (i, input) in node.inputs.iter().enumerate() {
            let given = self.root(*input);
            let constant = self.program.graph.node(given).constant().is_some();
            // An infinity that a recipe writes is meant.
            if let (Some(numbers), false) = (call.outside(i, outside), constant) {
                self.bad[given.index()] |= !all_finite(numbers);
            }
        }
        self.bad[call.node.index()] = !all_finite(call.result(arena));
    }

    /// The first of the nodes from which what is not finite spread to the results.
    pub fn culprit(&self) -> Option<Culprit> {
        let mut seen = vec![false; self.bad.len()];
        let mut open: Vec<NodeId> = self.program.results().map(|id| self.root(id)).collect();
        let mut first: Option<NodeId> = None;
        while let Some(id) = open.pop() {
            if !self.bad[id.index()] || std::mem::replace(&mut seen[id.index()], true) {
                continue;
            }
            let inputs: Vec<NodeId> = self.program.graph.node(id).inputs.iter().map(|i| self.root(*i)).collect();
            if inputs.iter().all(|input| !self.bad[input.index()]) {
                first = Some(first.map_or(id, |other| other.min(id)));
            }
            open.extend(inputs);
        }
        first.map(|id| {
            let node = self.program.graph.node(id);
            Culprit { operation: node.kind.to_string(), span: node.span }
        })
    }

    /// The node whose memory a node shows.
    fn root(&self, id: NodeId) -> NodeId {
        let node: &Node = self.program.graph.node(id);
        if crate::compile::is_view(node) { self.root(node.inputs[0]) } else { id }
    }
}

fn all_finite<T: Real>(numbers: &[T]) -> bool {
    numbers.iter().all(|x| x.to_f64().is_finite())
}
