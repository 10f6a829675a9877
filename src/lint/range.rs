//! Between which bounds the elements of each tensor lie, and whether all of them can be 0 at once.

use crate::graph::{Graph, Linear, Node, NodeId, Range, ValueKind, Zero};

/// The bounds of every node, by its number. A sum of all elements of what cannot vanish is never 0.
pub(super) fn ranges(graph: &Graph) -> Vec<Range> {
    let mut all: Vec<Range> = Vec::with_capacity(graph.len());
    for (_, node) in graph.nodes() {
        let range = graph.range_of(node, &all);
        let never = is_total(graph, node) && range.low >= 0.0 && !can_vanish(graph, &all, node.inputs[0]);
        all.push(Range { zero: range.zero && !never, ..range });
    }
    all
}

/// Whether a node is the sum of all elements of another.
fn is_total(graph: &Graph, node: &Node) -> bool {
    let sums = node.op().is_some_and(|op| {
        let of = &op.values;
        (of.zero, of.linear, of.kind) == (Zero::WithFirst, Linear::Jointly, ValueKind::Computed)
    });
    sums && node.ty.shape.count().is(1) && !graph.shape(node.inputs[0]).count().is(1)
}

/// Whether all elements of a node can be 0 at once. What is divided by a sum of its own elements, as by its trace, cannot.
fn can_vanish(graph: &Graph, known: &[Range], id: NodeId) -> bool {
    let node = graph.node(id);
    let Some(op) = node.op().filter(|_| known[id.index()].zero) else { return known[id.index()].zero };
    let of_first = || can_vanish(graph, known, node.inputs[0]);
    match op.values.zero {
        Zero::AsFirst => of_first(),
        Zero::Product if node.inputs[0] == node.inputs[1] || !known[node.inputs[1].index()].zero => of_first(),
        Zero::Quotient => !vanishes_with(graph, node.inputs[1], node.inputs[0]) && of_first(),
        Zero::Product | Zero::Unknown | Zero::WithFirst | Zero::WithAll | Zero::Difference => true,
    }
}

/// Whether a node is 0 where all elements of another one before it are.
fn vanishes_with(graph: &Graph, id: NodeId, other: NodeId) -> bool {
    let mut vanishes = vec![false; id.index() + 1];
    for (at, node) in graph.nodes().take(id.index() + 1).skip(other.index()) {
        let mut of = node.inputs.iter().map(|input| vanishes[input.index()]);
        let follows = node.op().is_some_and(|op| match op.values.zero {
            Zero::AsFirst | Zero::WithFirst | Zero::Quotient => of.next() == Some(true),
            Zero::Product => of.any(|vanishes| vanishes),
            Zero::WithAll | Zero::Difference => of.all(|vanishes| vanishes),
            Zero::Unknown => false,
        });
        vanishes[at.index()] = at == other || follows;
    }
    vanishes[id.index()]
}
