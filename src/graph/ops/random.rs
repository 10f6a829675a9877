//! Random tensors, drawn anew at each step from the seed, the step and the stream of the call.
//!
//! Where a judged encoder draws, each sample has draws of its own if the first dimension counts samples (`by_sample`).

use super::params::function;
use super::{bounds, samples};
use crate::catalog::{Param, ParamType};
use crate::graph::{
    Attrs, Call, Cost, Dim, Function, GradRule, Graph, NodeId, Operation, Shape, ShapeError, TensorType, ValueKind,
    Values,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&RANDN, &RAND, &DROPOUT_MASK];

/// `-> dims`: independent standard normal numbers of `stream`.
pub static RANDN: Operation = random("randn", Values::UNKNOWN.bounds(bounds::both_signs));
/// `-> dims`: independent numbers of `stream`, uniform in [0, 1).
pub static RAND: Operation = random("rand", Values::UNKNOWN.bounds(bounds::from_zero));
/// `-> dims`: 0 with probability `p`, `1 / (1 - p)` otherwise, independently, of `stream`.
pub static DROPOUT_MASK: Operation = random("dropout_mask", Values::UNKNOWN.bounds(bounds::from_zero));

const fn random(name: &'static str, values: Values) -> Operation {
    Operation {
        name,
        infer,
        grad: GradRule::Stops,
        cost: Cost::PerElement(8),
        samples: samples::drawn,
        values: values.kind(ValueKind::Drawn),
        in_place: false,
    }
}

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[
    function(
        "randn",
        &[Param::required("shape", ParamType::Dims, "the dimensions, as in [N, D]")],
        "x ~ normal(0, 1)",
        "Standard normal numbers, drawn anew at each step; each call written draws its own.",
        |g, call| g.random(&RANDN, call.dims("shape"), call.stream),
    ),
    function(
        "rand",
        &[Param::required("shape", ParamType::Dims, "the dimensions, as in [N, D]")],
        "x ~ uniform(0, 1)",
        "Uniform numbers in [0, 1), drawn anew at each step; each call written draws its own.",
        |g, call| g.random(&RAND, call.dims("shape"), call.stream),
    ),
    function(
        "random_directions",
        &[
            Param::required("d", ParamType::Dims, "the length of a direction"),
            Param::required("n", ParamType::Dims, "how many directions"),
        ],
        "-> [n, d]: g / |g|, g ~ normal(0, 1)",
        "Directions uniform on the unit sphere, one a row, drawn anew at each step.",
        build_directions,
    ),
    function(
        "gumbel_softmax",
        &[
            Param::required("logits", ParamType::Tensor, "logits [.., K]"),
            Param::optional(
                "temperature",
                ParamType::Tensor,
                "1",
                "what the noisy logits are divided by; small for sharp ones",
            ),
            Param::optional(
                "hard",
                ParamType::Bool,
                "false",
                "whether the result is one-hot, with the gradient of the soft one",
            ),
        ],
        "[.., K] -> [.., K]: softmax((logits + g) / temperature), g = -log(-log(u)), u ~ uniform(0, 1)",
        "Samples of categories that gradients pass, drawn anew at each step (Jang et al. 2017).",
        build_gumbel,
    ),
];

impl Graph {
    /// A random tensor of `stream`, by one of the operations without further attributes.
    pub fn random(&mut self, op: &'static Operation, dims: &[Dim], stream: u64) -> Result<NodeId, ShapeError> {
        self.apply(op, attrs(dims, stream), &[])
    }

    /// A mask of those dimensions that drops elements with probability `p` and scales up the others.
    pub fn drop_mask(&mut self, dims: &[Dim], p: f64, stream: u64) -> Result<NodeId, ShapeError> {
        self.apply(&DROPOUT_MASK, attrs(dims, stream).float("p", p), &[])
    }

    /// A mask that drops elements with probability `p` and scales up the others, of the dimensions of `x`.
    pub fn dropout_mask(&mut self, x: NodeId, p: f64, stream: u64) -> Result<NodeId, ShapeError> {
        let dims = self.shape(x).0.clone();
        self.drop_mask(&dims, p, stream)
    }
}

fn attrs(dims: &[Dim], stream: u64) -> Attrs {
    let by_sample = dims.first().is_some_and(|d| d.constant().is_none() && d.divide(&Dim::batch()).is_some());
    Attrs::new().dims("dims", dims).int("stream", stream as i64).bool("by_sample", by_sample)
}

fn infer(attrs: &Attrs, _: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let dims = attrs.get_dims("dims");
    match dims.iter().find(|d| d.constant().is_some_and(|n| n < 1)) {
        Some(d) => Err(ShapeError::new(format!("a random tensor cannot have a dimension of {d}"))),
        None => Ok(TensorType::float(Shape(dims.to_vec()))),
    }
}

fn build_gumbel(g: &mut Graph, call: &Call) -> Result<NodeId, ShapeError> {
    let (logits, temperature) = (call.tensor("logits")?, call.tensor("temperature")?);
    let shape = g.shape(logits).clone();
    let Some((classes, last)) = shape.0.last().zip(shape.rank().checked_sub(1)) else {
        return Err(ShapeError::new("gumbel_softmax needs logits [.., K], this is a scalar"));
    };
    let uniform = g.random(&RAND, &shape.0, call.stream)?;
    // Off both ends, so that neither logarithm is infinite.
    let uniform = g.clamp(uniform, 1e-9, f64::INFINITY)?;
    let log = g.log(uniform)?;
    let exponential = g.neg(log)?;
    let exponential = g.clamp(exponential, 1e-9, f64::INFINITY)?;
    let gumbel = g.log(exponential)?;
    let noisy = g.sub(logits, gumbel)?;
    let scaled = g.div(noisy, temperature)?;
    let soft = g.softmax(scaled)?;
    if !call.bool("hard") {
        return Ok(soft);
    }
    let chosen = g.argmax(soft, last, false)?;
    let hard = g.one_hot(chosen, classes)?;
    let value = g.stopgrad(soft)?;
    let nothing = g.sub(soft, value)?;
    g.add(hard, nothing)
}

fn build_directions(g: &mut Graph, call: &Call) -> Result<NodeId, ShapeError> {
    let normal = g.random(&RANDN, &[call.size("n")?, call.size("d")?], call.stream)?;
    let squares = g.square(normal)?;
    let squared_norm = g.sum(squares, &[1], true)?;
    let norm = g.sqrt(squared_norm)?;
    g.div(normal, norm)
}
