//! Between which bounds the elements of a tensor lie, whatever the weights and the data are.

use super::{DType, Graph, Init, Leaf, Node, NodeId, NodeKind, Operation, ValueKind, Zero};
use crate::catalog::Schedule;

/// Bounds of the elements of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// No element is smaller.
    pub low: f64,
    /// No element is larger.
    pub high: f64,
    /// Whether an element can be exactly 0.
    pub zero: bool,
    /// Whether elements are sure to be above and below 0 for some weights and pictures.
    pub both: bool,
}

/// What a rule about bounds sees.
pub struct Bounding<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// The node.
    pub node: &'a Node,
    /// The bounds of its inputs.
    pub inputs: &'a [Range],
}

impl Bounding<'_> {
    /// The bounds of the first input.
    pub fn first(&self) -> Range {
        self.inputs.first().copied().unwrap_or(Range::ANY)
    }

    /// The bounds of the second input.
    pub fn second(&self) -> Range {
        self.inputs.get(1).copied().unwrap_or(Range::ANY)
    }

    /// Whether the first two inputs are the same values, moved about at most.
    pub fn of_itself(&self) -> bool {
        match self.node.inputs[..] {
            [a, b, ..] => self.graph.unmoved(a) == self.graph.unmoved(b),
            _ => false,
        }
    }
}

impl Graph {
    /// The bounds of a node, given those of all nodes before it, by their numbers.
    pub fn range_of(&self, node: &Node, known: &[Range]) -> Range {
        match &node.kind {
            NodeKind::Leaf(leaf) => self.range_of_leaf(leaf, node),
            NodeKind::Computed(op, _) => {
                let inputs: Vec<Range> = node.inputs.iter().map(|i| known[i.index()]).collect();
                (op.values.bounds)(&Bounding { graph: self, node, inputs: &inputs })
            }
        }
    }

    fn range_of_leaf(&self, leaf: &Leaf, node: &Node) -> Range {
        match leaf {
            Leaf::Parameter(id) => {
                let constant = matches!(self.params[id.index()].init, Init::Constant(_));
                Range { both: !constant, ..Range::ANY }
            }
            Leaf::Input(_) if node.ty.dtype != DType::Float => Range::at_least_zero(true),
            Leaf::Input(_) | Leaf::State(_) => Range::ANY,
            Leaf::Scalar(id) => Range::of_schedule(&self.scalars[id.index()].schedule),
            Leaf::Constant { value, .. } => Range::point(value.0),
            Leaf::Dimension { .. } => Range { low: 1.0, zero: false, ..Range::ANY },
        }
    }

    /// Whether an operation computes a node whose values are of that kind.
    pub fn is_of_kind(&self, id: NodeId, kind: ValueKind) -> bool {
        self.node(id).op().is_some_and(|op| op.values.kind == kind)
    }

    /// The node whose elements a node shows, moved about at most.
    pub fn unmoved(&self, id: NodeId) -> NodeId {
        let node = self.node(id);
        let of_first = |op: &Operation| op.values.kind == ValueKind::Moved && op.values.zero != Zero::WithAll;
        if node.op().is_some_and(of_first) { self.unmoved(node.inputs[0]) } else { id }
    }
}

impl Range {
    /// Nothing is known.
    pub const ANY: Range = Range { low: f64::NEG_INFINITY, high: f64::INFINITY, zero: true, both: false };

    /// One number.
    pub fn point(value: f64) -> Range {
        Range { low: value, high: value, zero: value == 0.0, both: false }
    }

    /// Between two numbers.
    pub fn within(low: f64, high: f64, zero: bool) -> Range {
        Range { low, high, zero, both: false }
    }

    /// Not below 0.
    pub fn at_least_zero(zero: bool) -> Range {
        Range { low: 0.0, zero, ..Range::ANY }
    }

    /// The bounds of a scheduled scalar over the whole training.
    pub fn of_schedule(schedule: &Schedule) -> Range {
        let (low, high) = schedule.bounds();
        Range::within(low, high, low <= 0.0 && high >= 0.0)
    }

    /// Without the 0 that lies outside of the bounds.
    pub fn consistent(self) -> Range {
        Range { zero: self.zero && self.low <= 0.0 && self.high >= 0.0, ..self }
    }

    /// Of either of two.
    pub fn union(self, other: Range) -> Range {
        let (low, high) = (self.low.min(other.low), self.high.max(other.high));
        Range { low, high, zero: self.zero || other.zero, both: self.both && other.both }
    }

    /// Of the sum of two.
    pub fn sum(x: Range, y: Range) -> Range {
        let (low, high) = (x.low + y.low, x.high + y.high);
        // Of one sign, the sum is 0 only where both are.
        let one_sign = (x.low >= 0.0 && y.low >= 0.0) || (x.high <= 0.0 && y.high <= 0.0);
        let odd = |range: Range| range.both || range == Range::point(0.0);
        let both = odd(x) && odd(y) && (x.both || y.both);
        Range { low, high, zero: !one_sign || (x.zero && y.zero), both }.consistent()
    }

    /// Of the negated.
    pub fn negated(self) -> Range {
        Range { low: -self.high, high: -self.low, ..self }
    }

    /// Of the product of two.
    pub fn product(x: Range, y: Range) -> Range {
        let corners = [x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high];
        // 0 times infinity: the bound is that of the factor that is 0.
        let corners = corners.map(|c| if c.is_nan() { 0.0 } else { c });
        let low = corners.iter().copied().fold(f64::INFINITY, f64::min);
        let high = corners.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let scaled = |a: Range, b: Range| a.both && b.low == b.high && b.low > 0.0;
        Range { low, high, zero: x.zero || y.zero, both: scaled(x, y) || scaled(y, x) }
    }

    /// Of the reciprocal.
    pub fn reciprocal(self) -> Range {
        if self.low >= 0.0 {
            return Range::within(1.0 / self.high, 1.0 / self.low, false);
        }
        Range { zero: false, ..Range::ANY }
    }

    /// Of the square.
    pub fn square(self) -> Range {
        let (a, b) = (self.low * self.low, self.high * self.high);
        let low = if self.low <= 0.0 && self.high >= 0.0 { 0.0 } else { a.min(b) };
        Range::within(low, a.max(b), self.zero)
    }

    /// Of the square root of what is not below 0.
    pub fn sqrt(self) -> Range {
        Range::within(self.low.max(0.0).sqrt(), self.high.max(0.0).sqrt(), self.zero)
    }

    /// Brought between two bounds.
    pub fn clamp(self, min: f64, max: f64) -> Range {
        let lands = (min == 0.0 && self.low < 0.0) || (max == 0.0 && self.high > 0.0);
        Range::within(self.low.max(min), self.high.min(max).max(min), self.zero || lands).consistent()
    }

    /// Of a sum of any number of elements, at least one.
    pub fn total(self) -> Range {
        let low = if self.low >= 0.0 { self.low } else { f64::NEG_INFINITY };
        let high = if self.high <= 0.0 { self.high } else { f64::INFINITY };
        Range::within(low, high, self.zero || (self.low < 0.0 && self.high > 0.0))
    }
}
