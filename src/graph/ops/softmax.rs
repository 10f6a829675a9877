//! Softmax and its relatives over the last dimension, and the divergences of distributions made of them.

use super::params::{DIM, KEEPDIM, X, function};
use super::{bounds, samples};
use crate::catalog::{Param, ParamType};
use crate::graph::{
    Attrs, Backward, Call, Cost, Dim, Function, GradRule, Graph, NodeId, Operation, Range, Shape, ShapeError,
    TensorType, ValueKind, Values,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&SOFTMAX, &SOFTMAX_GRAD, &LOG_SOFTMAX, &LOG_SOFTMAX_GRAD, &LOGSUMEXP];

/// `x [.., K] -> x`: `exp(x) / sum(exp(x))` over the last dimension, the largest value subtracted first.
pub static SOFTMAX: Operation = Operation {
    name: "softmax",
    infer: infer_rows,
    grad: GradRule::Rule(softmax_gradient),
    cost: Cost::PerElement(8),
    samples: samples::along_last,
    values: Values::UNKNOWN.bounds(bounds::share).kind(ValueKind::Probabilities),
    in_place: false,
};

/// `y [.., K], dy -> x`: `y * (dy - sum(y * dy))`.
pub static SOFTMAX_GRAD: Operation = Operation {
    name: "softmax_grad",
    infer: infer_rows,
    grad: GradRule::Stops,
    cost: Cost::PerElement(4),
    samples: samples::unasked,
    values: Values::UNKNOWN,
    in_place: false,
};

/// `x [.., K] -> x`: `x - logsumexp(x)` over the last dimension.
pub static LOG_SOFTMAX: Operation = Operation {
    name: "log_softmax",
    infer: infer_rows,
    grad: GradRule::Rule(log_softmax_gradient),
    cost: Cost::PerElement(8),
    samples: samples::along_last,
    values: Values::UNKNOWN.bounds(|_| Range { high: 0.0, ..Range::ANY }).kind(ValueKind::LogProbabilities),
    in_place: false,
};

/// `y [.., K], dy -> x`: `dy - exp(y) * sum(dy)`.
pub static LOG_SOFTMAX_GRAD: Operation = Operation {
    name: "log_softmax_grad",
    infer: infer_rows,
    grad: GradRule::Stops,
    cost: Cost::PerElement(8),
    samples: samples::unasked,
    values: Values::UNKNOWN,
    in_place: false,
};

/// `x [.., K] -> [..]`: `log(sum(exp(x)))` over the last dimension, the largest value taken out first.
pub static LOGSUMEXP: Operation = Operation {
    name: "logsumexp",
    infer: infer_reduced,
    grad: GradRule::Rule(logsumexp_gradient),
    cost: Cost::PerInput(8),
    samples: samples::last_goes,
    values: Values::UNKNOWN,
    in_place: false,
};

const AXIS: Param = Param::optional("dim", ParamType::Axis, "-1", "the dimension that sums to one");

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[
    function(
        "softmax",
        &[X, AXIS],
        "exp(x) / sum(exp(x), dim)",
        "Turns logits into probabilities over one dimension.",
        |g, call| over_last(g, call, Graph::softmax),
    ),
    function(
        "log_softmax",
        &[X, AXIS],
        "x - logsumexp(x, dim)",
        "The logarithm of the softmax, computed without over- or underflow.",
        |g, call| over_last(g, call, Graph::log_softmax),
    ),
    function(
        "logsumexp",
        &[X, DIM, KEEPDIM],
        "log(sum(exp(x), dim))",
        "A smooth maximum, computed without over- or underflow.",
        build_logsumexp,
    ),
    function(
        "cross_entropy",
        &[
            Param::required(
                "target",
                ParamType::Tensor,
                "probabilities [.., K], or whole-number labels [..] from 0, below K; others are an error",
            ),
            Param::required("logits", ParamType::Tensor, "logits [.., K]"),
        ],
        "[.., K] -> [..]: -sum(target * log_softmax(logits), dim: -1)",
        "The cross entropy of each row between a target distribution or label and the softmax of logits.",
        build_cross_entropy,
    ),
    function(
        "kl",
        &[
            Param::required("p", ParamType::Tensor, "probabilities [.., K]"),
            Param::required("q", ParamType::Tensor, "probabilities [.., K]"),
        ],
        "[.., K] -> [..]: sum(p * (log(p) - log(q)), dim: -1)",
        "The Kullback-Leibler divergence of each row of q from p; 0 log 0 is 0.",
        build_kl,
    ),
    function(
        "entropy",
        &[Param::required("p", ParamType::Tensor, "probabilities [.., K]")],
        "[.., K] -> [..]: -sum(p * log(p), dim: -1)",
        "The entropy of each row in nats; 0 log 0 is 0.",
        build_entropy,
    ),
];

impl Graph {
    /// Softmax over the last dimension.
    pub fn softmax(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        self.apply(&SOFTMAX, Attrs::new(), &[x])
    }

    /// Log-softmax over the last dimension.
    pub fn log_softmax(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        self.apply(&LOG_SOFTMAX, Attrs::new(), &[x])
    }

    /// Log-sum-exp over the last dimension, which goes.
    pub fn logsumexp(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        self.apply(&LOGSUMEXP, Attrs::new(), &[x])
    }

    /// The cross entropy `[..]` of each row of logits `[.., K]` with probabilities `[.., K]` or labels `[..]`.
    pub fn cross_entropy(&mut self, target: NodeId, logits: NodeId) -> Result<NodeId, ShapeError> {
        let (t, l) = (self.ty(target).clone(), self.shape(logits).clone());
        let Some((classes, rows)) = l.0.split_last() else {
            return Err(ShapeError::new("cross_entropy needs logits [N, K], this is a scalar"));
        };
        if t.shape == l {
            let log_probabilities = self.log_softmax(logits)?;
            let weighted = self.mul(target, log_probabilities)?;
            let sum = self.sum(weighted, &[rows.len()], false)?;
            return self.neg(sum);
        }
        if t.shape.0 != rows {
            return Err(target_error(&t, &l, classes));
        }
        let chosen = self.one_hot(target, classes)?;
        let zero = self.constant(0.0);
        let picked = self.select(chosen, logits, zero)?;
        let picked = self.sum(picked, &[rows.len()], false)?;
        let total = self.logsumexp(logits)?;
        self.sub(total, picked)
    }
}

fn target_error(target: &TensorType, logits: &Shape, classes: &Dim) -> ShapeError {
    let message = format!("cross_entropy: a target {target} does not fit logits {logits}");
    let help = format!("the target is probabilities {logits}, or whole-number labels below {classes}, one a row");
    let swapped = "; the target comes first, then the logits";
    ShapeError::new(message).help(help + swapped)
}

fn infer_rows(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    match inputs[0].shape.rank() {
        0 => Err(ShapeError::new("softmax needs at least one dimension, this is a scalar")),
        _ => Ok(TensorType::float(inputs[0].shape.clone())),
    }
}

fn infer_reduced(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    match inputs[0].shape.0.split_last() {
        Some((_, rest)) => Ok(TensorType::float(Shape(rest.to_vec()))),
        None => Err(ShapeError::new("logsumexp needs at least one dimension, this is a scalar")),
    }
}

fn softmax_gradient(b: &mut Backward) -> Result<Vec<Option<NodeId>>, ShapeError> {
    Ok(vec![Some(b.graph.apply(&SOFTMAX_GRAD, Attrs::new(), &[b.output, b.grad])?)])
}

fn log_softmax_gradient(b: &mut Backward) -> Result<Vec<Option<NodeId>>, ShapeError> {
    Ok(vec![Some(b.graph.apply(&LOG_SOFTMAX_GRAD, Attrs::new(), &[b.output, b.grad])?)])
}

fn logsumexp_gradient(b: &mut Backward) -> Result<Vec<Option<NodeId>>, ShapeError> {
    let probabilities = b.graph.softmax(b.inputs[0])?;
    let column: Vec<Dim> = b.graph.shape(b.grad).0.iter().cloned().chain([Dim::from(1i64)]).collect();
    let grad = b.graph.reshape(b.grad, &column)?;
    Ok(vec![Some(b.graph.mul(probabilities, grad)?)])
}

/// Applies `f`, which works on the last dimension, over the dimension that the call names.
fn over_last(
    g: &mut Graph,
    call: &Call,
    f: fn(&mut Graph, NodeId) -> Result<NodeId, ShapeError>,
) -> Result<NodeId, ShapeError> {
    let x = call.tensor("x")?;
    let rank = g.shape(x).rank();
    let axis = call.axis("dim", rank)?.unwrap_or(rank.saturating_sub(1));
    if axis + 1 >= rank {
        return f(g, x);
    }
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(axis, rank - 1);
    let moved = g.permute(x, &order)?;
    let result = f(g, moved)?;
    g.permute(result, &order)
}

fn build_logsumexp(g: &mut Graph, call: &Call) -> Result<NodeId, ShapeError> {
    let x = call.tensor("x")?;
    let shape = g.shape(x).clone();
    let axes = call.axes("dim", shape.rank())?;
    let kept: Vec<usize> = (0..shape.rank()).filter(|a| !axes.contains(a)).collect();
    let order: Vec<usize> = kept.iter().chain(&axes).copied().collect();
    let moved = g.permute(x, &order)?;
    let rest: Vec<Dim> = kept.iter().map(|&a| shape.0[a].clone()).collect();
    let summed = Dim::product(axes.iter().map(|&a| &shape.0[a]));
    let rows: Vec<Dim> = rest.iter().cloned().chain([summed]).collect();
    let flat = g.reshape(moved, &rows)?;
    let result = g.logsumexp(flat)?;
    if !call.bool("keepdim") {
        return Ok(result);
    }
    let one = |(a, d): (usize, &Dim)| if axes.contains(&a) { Dim::from(1i64) } else { d.clone() };
    let full: Vec<Dim> = shape.0.iter().enumerate().map(one).collect();
    g.reshape(result, &full)
}

fn build_cross_entropy(g: &mut Graph, call: &Call) -> Result<NodeId, ShapeError> {
    g.cross_entropy(call.tensor("target")?, call.tensor("logits")?)
}

/// `values` where `p > 0` and 1 elsewhere, so that a logarithm and its gradient stay finite where they do not count.
fn one_where_zero(g: &mut Graph, p: NodeId, values: NodeId) -> Result<NodeId, ShapeError> {
    let (zero, one) = (g.constant(0.0), g.constant(1.0));
    let positive = g.greater(p, zero)?;
    g.select(positive, values, one)
}

fn build_kl(g: &mut Graph, call: &Call) -> Result<NodeId, ShapeError> {
    let (p, q) = (call.tensor("p")?, call.tensor("q")?);
    let axis = last_axis(g, "kl", p)?;
    if g.shape(p) != g.shape(q) {
        let message = format!("kl needs two tensors of one shape, these are {} and {}", g.shape(p), g.shape(q));
        return Err(ShapeError::new(message));
    }
    let log_p = one_where_zero(g, p, p)?;
    let log_p = g.log(log_p)?;
    let log_q = one_where_zero(g, p, q)?;
    let log_q = g.log(log_q)?;
    let ratio = g.sub(log_p, log_q)?;
    let terms = g.mul(p, ratio)?;
    g.sum(terms, &[axis], false)
}

fn build_entropy(g: &mut Graph, call: &Call) -> Result<NodeId, ShapeError> {
    let p = call.tensor("p")?;
    let axis = last_axis(g, "entropy", p)?;
    let log_p = one_where_zero(g, p, p)?;
    let log_p = g.log(log_p)?;
    let terms = g.mul(p, log_p)?;
    let sum = g.sum(terms, &[axis], false)?;
    g.neg(sum)
}

fn last_axis(g: &Graph, op: &str, x: NodeId) -> Result<usize, ShapeError> {
    let rank = g.shape(x).rank();
    rank.checked_sub(1).ok_or_else(|| ShapeError::new(format!("{op} needs rows of probabilities, this is a scalar")))
}
