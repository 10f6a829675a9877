//! The part of the graph between the embeddings and one term of the loss: the formula, without the networks.

use super::flow::{Flow, weights};
use crate::check::{Recipe, Term};
use crate::graph::{Dim, Graph, InputKind, NodeId, ParamId, ValueKind};
use std::collections::{BTreeMap, BTreeSet};

/// How a term depends on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// Through what an earlier step left in a state.
    Past,
    /// In this step, but behind something that passes no gradient on.
    Stopped,
    /// In this step, and the gradient comes back to it.
    Gradient,
}

/// The formula of a term, from the embeddings on.
pub(super) struct Region<'a> {
    pub graph: &'a Graph,
    pub term: &'a Term,
    /// The nodes of the formula, embeddings and leaves included.
    pub nodes: BTreeMap<NodeId, Reach>,
    /// The embeddings among them, with the trained weights that they depend on.
    pub embeddings: BTreeMap<NodeId, Embedding>,
}

/// The result of a stage that a term is computed from.
pub(super) struct Embedding {
    pub reach: Reach,
    /// The parameters its value depends on; averaged ones count as what they follow.
    pub weights: BTreeSet<ParamId>,
    /// Whether it follows trained weights by a moving average.
    pub averaged: bool,
    /// Whether training never changes it.
    pub fixed: bool,
}

impl<'a> Region<'a> {
    /// The formula of one term.
    pub fn of(recipe: &'a Recipe, flow: &Flow, term: &'a Term) -> Region<'a> {
        let graph = &recipe.graph;
        let results: BTreeSet<NodeId> = recipe.embeddings.iter().copied().collect();
        let nodes = walk(graph, &results, term.node);
        let embeddings = nodes
            .iter()
            .filter(|(id, _)| results.contains(id))
            .map(|(&id, &reach)| (id, Embedding::of(graph, flow, id, reach)))
            .collect();
        let mut region = Region { graph, term, nodes, embeddings };
        region.stop_where_nothing_is_trained();
        region
    }

    /// What a gradient would reach, but from where it comes to no trained embedding, is as good as stopped.
    fn stop_where_nothing_is_trained(&mut self) {
        let mut carries: BTreeSet<NodeId> = BTreeSet::new();
        for (id, reach) in &mut self.nodes {
            let node = self.graph.node(*id);
            let trains = match self.embeddings.get(id) {
                Some(embedding) => !embedding.fixed,
                None => node.passes_gradient() && node.inputs.iter().any(|input| carries.contains(input)),
            };
            if *reach == Reach::Gradient && trains {
                carries.insert(*id);
            }
            *reach = if carries.contains(id) { *reach } else { (*reach).min(Reach::Stopped) };
        }
    }

    /// The embeddings that this term trains.
    pub fn trained(&self) -> impl Iterator<Item = &Embedding> {
        self.embeddings.values().filter(|e| e.reach == Reach::Gradient && !e.fixed)
    }

    /// The embeddings that this term only looks at.
    pub fn targets(&self) -> impl Iterator<Item = &Embedding> {
        self.embeddings.values().filter(|e| e.reach != Reach::Gradient && !e.fixed)
    }

    /// What of the data itself, or of networks that are not trained, the term is computed from, past the embeddings.
    pub fn anchors(&self) -> BTreeSet<Anchor> {
        let fixed = self.embeddings.values().filter(|e| e.fixed).map(|_| Anchor::FixedNetwork);
        let inputs = self.nodes.iter().filter(|(_, reach)| **reach != Reach::Past);
        let inputs = inputs.map(|(id, _)| self.graph.node(*id));
        let inputs = inputs.filter_map(|node| match self.graph.inputs[node.input()?.index()].kind {
            InputKind::View(_) if node.ty.shape.rank() == 4 => Some(Anchor::Pixels),
            InputKind::Label => Some(Anchor::Labels),
            InputKind::Index => Some(Anchor::Samples),
            InputKind::Column { .. } => Some(Anchor::Column),
            InputKind::View(_) | InputKind::Mask(..) | InputKind::Rows | InputKind::Table(_) | InputKind::Given => None,
        });
        inputs.chain(fixed).chain(self.passes()).collect()
    }

    /// The labels that earlier passes over the data set have given its samples.
    fn passes(&self) -> impl Iterator<Item = Anchor> {
        let near = self.nodes.iter().filter(|(_, reach)| **reach != Reach::Past);
        let states = near.filter_map(|(id, _)| self.graph.node(*id).state());
        let refreshed = states.filter_map(|id| {
            let labels = self.graph.states[id.index()].shape.0.first() == Some(&Dim::samples());
            self.graph.refreshes.iter().find(|r| labels && r.state == id)
        });
        refreshed.map(|refresh| {
            let mut sources = super::flow::ancestors(self.graph, refresh.value).into_iter();
            match sources.any(|id| self.graph.is_of_kind(id, ValueKind::Balanced)) {
                true => Anchor::BalancedPass,
                false => Anchor::Pass,
            }
        })
    }
}

/// What a loss can compare an embedding with that does not change when the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Anchor {
    /// The pixels of a view.
    Pixels,
    /// The labels of the data set.
    Labels,
    /// Which sample it is.
    Samples,
    /// What a column of the data set says of each sample.
    Column,
    /// What an earlier pass over the data set found, spread evenly.
    BalancedPass,
    /// What an earlier pass over the data set found.
    Pass,
    /// A network that nothing trains.
    FixedNetwork,
}

impl Embedding {
    fn of(graph: &Graph, flow: &Flow, id: NodeId, reach: Reach) -> Embedding {
        let weights = weights(graph, id);
        let fixed = weights.is_disjoint(&flow.trained);
        let own = super::flow::ancestors(graph, id).into_iter().filter_map(|n| graph.parameter_read(n));
        let averaged = own.into_iter().any(|p| graph.params[p.index()].ema.is_some());
        Embedding { reach, weights, averaged, fixed }
    }
}

/// The nodes a term is computed from, down to embeddings and leaves, each with the closest way it is reached.
fn walk(graph: &Graph, results: &BTreeSet<NodeId>, from: NodeId) -> BTreeMap<NodeId, Reach> {
    let mut nodes = BTreeMap::new();
    let mut open = vec![(from, Reach::Gradient)];
    while let Some((id, reach)) = open.pop() {
        if nodes.get(&id).is_some_and(|known| *known >= reach) {
            continue;
        }
        nodes.insert(id, reach);
        if results.contains(&id) {
            continue;
        }
        let node = graph.node(id);
        let next = if node.passes_gradient() { reach } else { reach.min(Reach::Stopped) };
        open.extend(node.inputs.iter().map(|&input| (input, next)));
        if let Some(state) = node.state() {
            let update = graph.updates.iter().find(|u| u.state == state);
            open.extend(update.map(|u| (u.value, Reach::Past)));
        }
    }
    nodes
}
