//! The part of a formula that computes one node, as a program whose leaves are given to it.

use crate::compile::{Evaluated, Evaluator, Plan, Program};
use crate::graph::{Dim, Graph, InputKind, Leaf, NodeId, NodeKind, TensorType};
use crate::lint::region::Region;
use std::collections::{BTreeMap, BTreeSet};

/// The most elements a tensor may have: beyond, a trial would cost more than it tells.
const LARGEST: usize = 1 << 23;
/// At which step of how many, and of how many an epoch, schedules are read: in the middle of a training.
const MOMENT: (usize, usize, usize) = (500, 1000, 10);

/// A program that computes one node of a formula.
pub(super) struct Formula {
    ready: Box<dyn Evaluated>,
    /// What has to be given to it.
    pub leaves: Vec<GivenLeaf>,
}

/// A leaf of a formula, or an embedding.
#[derive(Clone, Debug)]
pub(super) struct GivenLeaf {
    /// The node in the recipe's graph.
    pub node: NodeId,
    /// Its name in the program.
    name: String,
    /// Its dimensions.
    pub shape: Vec<usize>,
}

impl Formula {
    /// The formula of `wanted` for so many samples; `None` if it cannot be computed.
    pub fn new(region: &Region, evaluator: &dyn Evaluator, wanted: NodeId, samples: usize) -> Option<Formula> {
        let (program, leaves) = program(region, &[wanted]);
        let small = |ty: &TensorType| {
            let shape = concrete(&ty.shape.0, samples)?;
            shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= LARGEST)
        };
        program.graph.nodes().map(|(_, node)| small(&node.ty)).collect::<Option<Vec<usize>>>()?;
        let leaves = leaves.into_iter().map(|(node, name)| {
            let shape = concrete(&region.graph.shape(node).0, samples)?;
            Some(GivenLeaf { node, name, shape })
        });
        let leaves = leaves.collect::<Option<Vec<_>>>()?;
        Some(Formula { ready: evaluator.prepare(&program, &|_| Some(samples as i64))?, leaves })
    }

    /// Its value, given that of each of its leaves.
    pub fn compute(&mut self, values: &[Vec<f32>]) -> Option<Vec<f64>> {
        let named = self.leaves.iter().zip(values).map(|(leaf, value)| (leaf.name.as_str(), value.as_slice()));
        self.ready.outputs(&named.collect::<Vec<_>>())?.into_iter().next()
    }
}

/// Whether all of a formula, and what its states become, has a shape with so many samples and takes no more of a dimension than there is.
pub(super) fn fits(region: &Region, samples: usize) -> bool {
    let updates = region.graph.updates.iter().map(|update| update.value).filter(|id| region.nodes.contains_key(id));
    let wanted: Vec<NodeId> = updates.chain([region.term.node]).collect();
    Plan::new(&program(region, &wanted).0, &|_| Some(samples as i64)).is_ok()
}

/// A program of the formula's nodes, down to embeddings and leaves, which become inputs; these by the names they have there.
fn program(region: &Region, wanted: &[NodeId]) -> (Program, Vec<(NodeId, String)>) {
    let mut graph = Graph::default();
    let mut now: BTreeMap<NodeId, NodeId> = BTreeMap::new();
    let mut leaves = Vec::new();
    for id in needed(region, wanted) {
        let node = region.graph.node(id);
        let made = match &node.kind {
            NodeKind::Computed(..) if !region.embeddings.contains_key(&id) => {
                graph.copy(node, node.inputs.iter().map(|input| now[input]).collect())
            }
            NodeKind::Leaf(Leaf::Constant { .. } | Leaf::Dimension { .. }) => graph.copy(node, Vec::new()),
            NodeKind::Leaf(Leaf::Scalar(scalar)) => {
                let (step, steps, each) = MOMENT;
                graph.constant(region.graph.scalars[scalar.index()].schedule.at(step, steps, each))
            }
            NodeKind::Computed(..) | NodeKind::Leaf(Leaf::Parameter(_) | Leaf::Input(_) | Leaf::State(_)) => {
                leaves.push((id, id.0.to_string()));
                graph.input(&id.0.to_string(), node.ty.clone(), InputKind::Given)
            }
        };
        now.insert(id, made);
    }
    (Program::forward(graph, wanted.iter().map(|id| now[id]).collect()), leaves)
}

/// The nodes that some are computed from, down to leaves, in order.
fn needed(region: &Region, wanted: &[NodeId]) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    let mut open = wanted.to_vec();
    while let Some(id) = open.pop() {
        if found.insert(id) && !region.embeddings.contains_key(&id) {
            open.extend(&region.graph.node(id).inputs);
        }
    }
    found
}

/// The plain sizes for so many samples.
pub(super) fn concrete(dims: &[Dim], samples: usize) -> Option<Vec<usize>> {
    dims.iter().map(|d| usize::try_from(d.eval(&|_| Some(samples as i64))?).ok()).collect()
}
