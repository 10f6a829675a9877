//! Which parameters each term of the loss trains, and what a node depends on.

use crate::check::Recipe;
use crate::compile::reaches;
use crate::graph::{Graph, NodeId, ParamId};
use std::collections::BTreeSet;

/// Which parameters the loss trains.
pub(super) struct Flow {
    /// For each term in order, the parameters that get a gradient from it.
    pub by_term: Vec<BTreeSet<ParamId>>,
    /// The parameters that get a gradient from any term.
    pub trained: BTreeSet<ParamId>,
}

impl Flow {
    /// The flow of gradients in a recipe.
    pub fn of(recipe: &Recipe) -> Flow {
        let graph = &recipe.graph;
        let own = |id: &ParamId| graph.params[id.index()].ema.is_none();
        let by_term: Vec<BTreeSet<ParamId>> =
            recipe.loss.terms.iter().map(|t| reaches(graph, t.node).into_iter().filter(own).collect()).collect();
        let trained = by_term.iter().flatten().copied().collect();
        Flow { by_term, trained }
    }
}

/// The name of each loss term, with the stages and weights that get a gradient from it, in the order of the recipe.
pub fn trained_by(recipe: &Recipe) -> Vec<(String, Vec<String>)> {
    let stage = |id: &ParamId| recipe.graph.params[id.index()].name.split('.').take(2).collect::<Vec<_>>().join(".");
    let parts = |trained: &BTreeSet<ParamId>| {
        let mut parts: Vec<String> = Vec::new();
        for part in trained.iter().map(stage) {
            // A stage's weights need not come one after the other: two heads may be applied in turn.
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        parts
    };
    let flow = Flow::of(recipe);
    recipe.loss.terms.iter().zip(&flow.by_term).map(|(term, trained)| (term.name.clone(), parts(trained))).collect()
}

/// Every node that `from` is computed from, itself included, in order.
pub(super) fn ancestors(graph: &Graph, from: NodeId) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(id) = open.pop() {
        if found.insert(id) {
            open.extend(&graph.node(id).inputs);
        }
    }
    found
}

/// The trained parameters whose values a node depends on: an averaged one counts as what it follows.
pub(super) fn weights(graph: &Graph, from: NodeId) -> BTreeSet<ParamId> {
    let parameters = ancestors(graph, from).into_iter().filter_map(|id| graph.parameter_read(id));
    parameters.map(|id| followed(graph, id)).collect()
}

/// The trained parameter that an averaged one follows in the end; any other is itself.
fn followed(graph: &Graph, id: ParamId) -> ParamId {
    graph.params[id.index()].ema.as_ref().map_or(id, |ema| followed(graph, ema.of))
}
