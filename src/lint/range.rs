//! Between which bounds the elements of a tensor lie, whatever the weights and the data are.

use crate::catalog::{Ramp, Schedule};
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
        all.push(of_node(graph, node, &inputs));
    }
    all
}

/// The bounds of a scheduled scalar over the whole training.
pub(super) fn of_schedule(schedule: &Schedule) -> Range {
    let mut points = vec![schedule.from, schedule.to];
    match &schedule.ramp {
        Ramp::Step { factor, at } => points = vec![schedule.from, schedule.from * factor.powi(at.len() as i32)],
        Ramp::Constant => points = vec![schedule.to],
        _ => {}
    }
    if schedule.warmup > 0.0 {
        points.push(schedule.warmup_from);
    }
    let low = points.iter().copied().fold(f64::INFINITY, f64::min);
    let high = points.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Range { low, high, zero: low <= 0.0 && high >= 0.0 }
}

fn of_node(graph: &Graph, node: &Node, inputs: &[Range]) -> Range {
    let x = inputs.first().copied().unwrap_or(ANY);
    let y = inputs.get(1).copied().unwrap_or(ANY);
    match node.op.name {
        "constant" => Range::point(node.attrs.get_float("value")),
        "dimension" => Range { low: 1.0, high: f64::INFINITY, zero: false },
        "scalar" => of_schedule(&graph.scalars[node.attrs.get_usize("id")].schedule),
        "arange" | "argmax" | "argsort" => Range::at_least_zero(true),
        "rand" | "dropout_mask" | "less" | "less_equal" | "equal" | "not_equal" => Range { low: 0.0, ..ANY },
        "input" if node.ty.dtype != DType::Float => Range::at_least_zero(true),
        "neg" => Range { low: -x.high, high: -x.low, zero: x.zero },
        "add" => Range::sum(x, y),
        "sub" => Range::sum(x, Range { low: -y.high, high: -y.low, zero: y.zero }),
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

/// Either of two; what a comparison has ruled out of the node it compared is not asked again.
fn choice(graph: &Graph, node: &Node, inputs: &[Range]) -> Range {
    let condition = graph.node(node.inputs[0]);
    let compared = |id: &NodeId| {
        matches!(condition.op.name, "less" | "less_equal" | "equal" | "not_equal") && condition.inputs.contains(id)
    };
    let guarded = |i: usize| Range { zero: inputs[i].zero && !compared(&node.inputs[i]), ..inputs[i] };
    guarded(1).union(guarded(2))
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
