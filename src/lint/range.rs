//! Between which bounds the elements of a tensor lie, whatever the weights and the data are.

use crate::catalog::Schedule;
use crate::graph::{DType, Graph, Node, NodeId};

/// Bounds of the elements of a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    /// No element is smaller.
    pub low: f64,
    /// No element is larger.
    pub high: f64,
    /// Whether an element can be exactly 0.
    pub zero: bool,
}

const ANY: Range = Range { low: f64::NEG_INFINITY, high: f64::INFINITY, zero: true };

/// The bounds of every node, by its number.
pub(super) fn ranges(graph: &Graph) -> Vec<Range> {
    let mut all: Vec<Range> = Vec::with_capacity(graph.len());
    for (_, node) in graph.nodes() {
        let inputs: Vec<Range> = node.inputs.iter().map(|i| all[i.index()]).collect();
        let mut range = of_node(graph, node, &inputs);
        if is_total(graph, node) && range.low >= 0.0 && !can_vanish(graph, &all, node.inputs[0]) {
            range.zero = false;
        }
        all.push(range);
    }
    all
}

/// Whether a node is the sum of all elements of another.
fn is_total(graph: &Graph, node: &Node) -> bool {
    node.op.name == "reduce_sum" && node.ty.shape.count().is(1) && !graph.shape(node.inputs[0]).count().is(1)
}

/// Whether all elements of a node can be 0 at once. What is divided by a sum of its own elements, as by its trace, cannot.
fn can_vanish(graph: &Graph, known: &[Range], id: NodeId) -> bool {
    let node = graph.node(id);
    if !known[id.index()].zero {
        return false;
    }
    let first = || node.inputs[0];
    match node.op.name {
        "square" | "abs" | "sqrt" | "neg" | "reshape" | "permute" | "broadcast_to" | "stopgrad" => {
            can_vanish(graph, known, first())
        }
        "mul" if node.inputs[0] == node.inputs[1] => can_vanish(graph, known, first()),
        "mul" if !known[node.inputs[1].index()].zero => can_vanish(graph, known, first()),
        "div" => !vanishes_with(graph, node.inputs[1], first()) && can_vanish(graph, known, first()),
        _ => true,
    }
}

/// Whether a node is 0 where all elements of another one are.
fn vanishes_with(graph: &Graph, id: NodeId, other: NodeId) -> bool {
    let node = graph.node(id);
    let of = |i: usize| vanishes_with(graph, node.inputs[i], other);
    id == other
        || match node.op.name {
            "reduce_sum" | "reduce_max" | "reduce_min" | "neg" | "abs" | "square" | "sqrt" | "reshape" | "permute"
            | "slice" | "gather" | "broadcast_to" | "div" => of(0),
            "mul" => of(0) || of(1),
            "add" | "sub" => of(0) && of(1),
            _ => false,
        }
}

/// The bounds of a scheduled scalar over the whole training.
pub(super) fn of_schedule(schedule: &Schedule) -> Range {
    let (low, high) = schedule.bounds();
    Range { low, high, zero: low <= 0.0 && high >= 0.0 }
}

fn of_node(graph: &Graph, node: &Node, inputs: &[Range]) -> Range {
    let x = inputs.first().copied().unwrap_or(ANY);
    let y = inputs.get(1).copied().unwrap_or(ANY);
    match node.op.name {
        "constant" => Range::point(node.attrs.get_float("value")),
        "dimension" => Range { low: 1.0, high: f64::INFINITY, zero: false },
        "scalar" => of_schedule(&graph.scalars[node.attrs.get_usize("id")].schedule),
        "arange" | "argmax" | "argsort" | "class_label" => Range::at_least_zero(true),
        "rand" | "dropout_mask" | "less" | "less_equal" | "equal" | "not_equal" => Range { low: 0.0, ..ANY },
        "input" if node.ty.dtype != DType::Float => Range::at_least_zero(true),
        "neg" => Range { low: -x.high, high: -x.low, zero: x.zero },
        "add" => Range::sum(x, y),
        "sub" => Range::sum(x, Range { low: -y.high, high: -y.low, zero: y.zero }),
        "mul" if node.inputs[0] == node.inputs[1] => x.square(),
        "mul" => Range::product(x, y),
        "div" => Range::product(x, y.reciprocal()),
        "recip" => x.reciprocal(),
        "exp" => Range { low: x.low.exp(), high: x.high.exp(), zero: false },
        "square" => x.square(),
        "sqrt" => Range { low: x.low.max(0.0).sqrt(), high: x.high.max(0.0).sqrt(), zero: x.zero },
        "abs" => Range { high: x.high.abs().max(x.low.abs()), ..x.square().sqrt() },
        "relu" => x.clamp(0.0, f64::INFINITY),
        "clamp" => x.clamp(node.attrs.get_float("min"), node.attrs.get_float("max")),
        "maximum" => Range { low: x.low.max(y.low), high: x.high.max(y.high), zero: x.zero || y.zero }.consistent(),
        "minimum" => Range { low: x.low.min(y.low), high: x.high.min(y.high), zero: x.zero || y.zero }.consistent(),
        "sinkhorn" => Range { low: 0.0, high: 1.0, zero: true },
        "erf" => Range { low: -1.0, high: 1.0, zero: x.zero },
        "sigmoid" | "softmax" => Range { low: 0.0, high: 1.0, zero: false },
        "softplus" => Range::at_least_zero(false),
        "log_softmax" => Range { high: 0.0, ..ANY },
        "select" => choice(graph, node, inputs),
        "reduce_sum" => x.total(),
        "matmul" if x.low >= 0.0 && y.low >= 0.0 => Range::at_least_zero(x.zero || y.zero),
        "concat" => inputs.iter().copied().reduce(Range::union).unwrap_or(ANY),
        "place" => x.total().union(Range::point(0.0)),
        "pad" => x.union(Range::point(0.0)),
        "reshape" | "permute" | "broadcast_to" | "slice" | "stopgrad" | "gather" | "take" | "reduce_max"
        | "reduce_min" => x,
        _ => ANY,
    }
}

/// Either of two, each within what the comparison leaves of it.
fn choice(graph: &Graph, node: &Node, inputs: &[Range]) -> Range {
    let condition = graph.node(node.inputs[0]);
    let chosen = |i: usize| left_by(graph, condition, i == 1, node.inputs[i], inputs[i]);
    chosen(1).union(chosen(2))
}

/// What a comparison that came out so leaves of a node's range, where the node is one of those it compares.
fn left_by(graph: &Graph, condition: &Node, held: bool, id: NodeId, range: Range) -> Range {
    let side = condition.inputs.iter().position(|input| *input == id);
    let comparison = matches!(condition.op.name, "less" | "less_equal" | "equal" | "not_equal");
    let (Some(side), true) = (side.filter(|_| graph.constant_value(id).is_none()), comparison) else { return range };
    // What it is compared with is not known: what the author asks for is believed.
    let Some(bound) = graph.constant_value(condition.inputs[1 - side]) else { return Range { zero: false, ..range } };
    let (above, strict) = match (condition.op.name, held) {
        ("less", true) => (side == 1, true),
        ("less", false) => (side == 0, false),
        ("less_equal", true) => (side == 1, false),
        ("less_equal", false) => (side == 0, true),
        ("equal", true) | ("not_equal", false) => return Range::point(bound),
        _ => return Range { zero: range.zero && bound != 0.0, ..range },
    };
    let within = if above {
        Range { low: range.low.max(bound), ..range }
    } else {
        Range { high: range.high.min(bound), ..range }
    };
    Range { zero: within.zero && !(strict && bound == 0.0), ..within }.consistent()
}

impl Range {
    fn point(value: f64) -> Range {
        Range { low: value, high: value, zero: value == 0.0 }
    }

    fn at_least_zero(zero: bool) -> Range {
        Range { low: 0.0, high: f64::INFINITY, zero }
    }

    /// Without the 0 that lies outside of the bounds.
    fn consistent(self) -> Range {
        Range { zero: self.zero && self.low <= 0.0 && self.high >= 0.0, ..self }
    }

    fn union(self, other: Range) -> Range {
        Range { low: self.low.min(other.low), high: self.high.max(other.high), zero: self.zero || other.zero }
    }

    fn sum(x: Range, y: Range) -> Range {
        let (low, high) = (x.low + y.low, x.high + y.high);
        // Of one sign, the sum is 0 only where both are.
        let one_sign = (x.low >= 0.0 && y.low >= 0.0) || (x.high <= 0.0 && y.high <= 0.0);
        Range { low, high, zero: !one_sign || (x.zero && y.zero) }.consistent()
    }

    fn product(x: Range, y: Range) -> Range {
        let corners = [x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high];
        // 0 times infinity: the bound is that of the factor that is 0.
        let corners = corners.map(|c| if c.is_nan() { 0.0 } else { c });
        let low = corners.iter().copied().fold(f64::INFINITY, f64::min);
        let high = corners.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Range { low, high, zero: x.zero || y.zero }
    }

    fn reciprocal(self) -> Range {
        if self.low >= 0.0 {
            return Range { low: 1.0 / self.high, high: 1.0 / self.low, zero: false };
        }
        Range { zero: false, ..ANY }
    }

    fn square(self) -> Range {
        let (a, b) = (self.low * self.low, self.high * self.high);
        let low = if self.low <= 0.0 && self.high >= 0.0 { 0.0 } else { a.min(b) };
        Range { low, high: a.max(b), zero: self.zero }
    }

    fn sqrt(self) -> Range {
        Range { low: self.low.sqrt(), high: self.high.sqrt(), zero: self.zero }
    }

    fn clamp(self, min: f64, max: f64) -> Range {
        let lands = (min == 0.0 && self.low < 0.0) || (max == 0.0 && self.high > 0.0);
        Range { low: self.low.max(min), high: self.high.min(max).max(min), zero: self.zero || lands }.consistent()
    }

    /// A sum of any number of elements, at least one.
    fn total(self) -> Range {
        let low = if self.low >= 0.0 { self.low } else { f64::NEG_INFINITY };
        let high = if self.high <= 0.0 { self.high } else { f64::INFINITY };
        Range { low, high, zero: self.zero || (self.low < 0.0 && self.high > 0.0) }
    }
}
