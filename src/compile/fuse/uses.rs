//! A program whose nodes know who uses them.

use super::Fused;
use crate::compile::Program;
use crate::graph::{Node, NodeId, Operation};

/// A program, and the users of each of its nodes.
pub(super) struct Uses {
    program: Program,
    /// The live nodes that read each node, one entry for each time.
    users: Vec<Vec<NodeId>>,
    /// Whether each node is a result of the program.
    kept: Vec<bool>,
}

impl Uses {
    /// Counts the uses of every node.
    pub fn new(program: Program) -> Self {
        let nodes = program.graph.len();
        let mut uses = Uses { users: vec![Vec::new(); nodes], kept: vec![false; nodes], program };
        for id in uses.program.live() {
            uses.enter(id);
        }
        uses.program.results().for_each(|id| uses.kept[id.index()] = true);
        uses
    }

    /// The nodes that are needed, in order.
    pub fn live(&self) -> Vec<NodeId> {
        self.program.live()
    }

    /// The node of that number.
    pub fn node(&self, id: NodeId) -> &Node {
        self.program.graph.node(id)
    }

    /// The node, if it is of that operation.
    pub fn of(&self, id: NodeId, op: &'static Operation) -> Option<&Node> {
        Some(self.node(id)).filter(|node| node.is(op))
    }

    /// The node, if it is of that operation and its value is used once and is no result.
    pub fn passing(&self, id: NodeId, op: &'static Operation) -> Option<&Node> {
        self.of(id, op).filter(|_| self.users[id.index()].len() == 1 && !self.kept[id.index()])
    }

    /// Who uses a node; nobody is named where it is a result, which the outside uses.
    pub fn users(&self, id: NodeId) -> Option<impl Iterator<Item = &Node>> {
        (!self.kept[id.index()]).then(|| self.users[id.index()].iter().map(|&user| self.node(user)))
    }

    /// Makes a node what a rule says; what it alone used is used no more.
    pub fn replace(&mut self, id: NodeId, fused: Fused) {
        let before = self.node(id).inputs.clone();
        self.program.graph.replace(id, fused.op, fused.attrs, fused.inputs);
        self.enter(id);
        before.into_iter().for_each(|input| self.leave(input, id));
    }

    /// The program as it now is.
    pub fn finish(self) -> Program {
        self.program
    }

    fn enter(&mut self, id: NodeId) {
        for input in &self.program.graph.node(id).inputs {
            self.users[input.index()].push(id);
        }
    }

    /// Takes one use off a node; one that is left without any uses nothing either.
    fn leave(&mut self, id: NodeId, user: NodeId) {
        let users = &mut self.users[id.index()];
        if let Some(at) = users.iter().position(|&u| u == user) {
            users.swap_remove(at);
        }
        if users.is_empty() && !self.kept[id.index()] {
            for input in self.node(id).inputs.clone() {
                self.leave(input, id);
            }
        }
    }
}
