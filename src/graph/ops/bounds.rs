//! Between which bounds the values of an operation lie, by those of its inputs: rules that several families share.

use crate::graph::{Bounding, Comparison, Node, NodeId, Range, ValueKind};

/// Numbers from 0 on.
pub fn from_zero(_: &Bounding) -> Range {
    Range::at_least_zero(true)
}

/// Between 0 and 1, never 0.
pub fn share(_: &Bounding) -> Range {
    Range::within(0.0, 1.0, false)
}

/// Any number, and sure to be of both signs for some weights and pictures.
pub fn both_signs(_: &Bounding) -> Range {
    Range { both: true, ..Range::ANY }
}

/// The sum of the inputs.
pub fn sum(b: &Bounding) -> Range {
    Range::sum(b.first(), b.second())
}

/// The difference of the inputs.
pub fn difference(b: &Bounding) -> Range {
    let other = b.second().negated();
    Range { both: false, ..Range::sum(b.first(), other) }
}

/// The product of the inputs, a square where they are the same.
pub fn product(b: &Bounding) -> Range {
    match b.node.inputs[0] == b.node.inputs[1] {
        true => b.first().square(),
        false => Range::product(b.first(), b.second()),
    }
}

/// The quotient of the inputs.
pub fn quotient(b: &Bounding) -> Range {
    Range::product(b.first(), b.second().reciprocal())
}

/// Sums of products.
pub fn inner_product(b: &Bounding) -> Range {
    let (x, y) = (b.first(), b.second());
    if x.low >= 0.0 && y.low >= 0.0 {
        return Range::at_least_zero(x.zero || y.zero);
    }
    // The diagonal of the products of rows with themselves is never below 0.
    Range { both: !b.of_itself() && (x.both || y.both), ..Range::ANY }
}

/// Of any of the inputs.
pub fn any_input(b: &Bounding) -> Range {
    b.inputs.iter().copied().reduce(Range::union).unwrap_or(Range::ANY)
}

/// Of the first input, with zeros among.
pub fn with_zeros(b: &Bounding) -> Range {
    b.first().union(Range::point(0.0))
}

/// Sums of some of the first input's elements, or of none.
pub fn some_sum(b: &Bounding) -> Range {
    b.first().total().union(Range::point(0.0))
}

/// Either of the last two inputs, each within what the comparison, the first, leaves of it.
pub fn choice(b: &Bounding) -> Range {
    let condition = b.graph.node(b.node.inputs[0]);
    let chosen = |i: usize| left_by(b, condition, i == 1, b.node.inputs[i], b.inputs[i]);
    chosen(1).union(chosen(2))
}

/// What a comparison that came out so leaves of a node's range, where the node is one of those it compares.
fn left_by(b: &Bounding, condition: &Node, held: bool, id: NodeId, range: Range) -> Range {
    let comparison = condition.op().map(|op| op.values.kind);
    let side = condition.inputs.iter().position(|input| *input == id);
    let (Some(side), Some(ValueKind::Comparison(comparison))) =
        (side.filter(|_| b.graph.constant_value(id).is_none()), comparison)
    else {
        return range;
    };
    // What it is compared with is not known: what the author asks for is believed.
    let Some(bound) = b.graph.constant_value(condition.inputs[1 - side]) else { return Range { zero: false, ..range } };
    let (above, strict) = match (comparison, held) {
        (Comparison::Less, true) => (side == 1, true),
        (Comparison::Less, false) => (side == 0, false),
        (Comparison::LessEqual, true) => (side == 1, false),
        (Comparison::LessEqual, false) => (side == 0, true),
        (Comparison::Equal, true) | (Comparison::NotEqual, false) => return Range::point(bound),
        (Comparison::Equal, false) | (Comparison::NotEqual, true) => {
            return Range { zero: range.zero && bound != 0.0, ..range };
        }
    };
    let within = if above {
        Range { low: range.low.max(bound), ..range }
    } else {
        Range { high: range.high.min(bound), ..range }
    };
    Range { zero: within.zero && !(strict && bound == 0.0), both: false, ..within }.consistent()
}
