//! Scaled dot-product attention of several heads, and its gradients.

use super::params::function;
use super::rules::Grads;
use super::samples;
use crate::catalog::{Param, ParamType};
use crate::graph::{
    Attrs, Backward, Cost, Dim, Function, GradRule, Graph, NodeId, Operation, Shape, ShapeError, TensorType, Values,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&ATTENTION, &ATTENTION_INPUT_GRAD, &ATTENTION_BIAS_GRAD];

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[function(
    "attention",
    &[
        Param::required("q", ParamType::Tensor, "queries, `[N, T, D]`"),
        Param::required("k", ParamType::Tensor, "keys, `[N, S, D]`"),
        Param::required("v", ParamType::Tensor, "values, `[N, S, D]`"),
        Param::optional("heads", ParamType::Int { min: 1, max: 1 << 12 }, "1", "parts of D that attend apart"),
    ],
    "softmax(q @ k.T / sqrt(D / heads)) @ v -> [N, T, D], each head by itself",
    "Scaled dot-product attention (Vaswani et al. 2017, eq. 1): each query takes the mean of the values, weighted by how \
     well their keys match it.",
    |g, c| {
        let heads = c.number("heads").unwrap_or(1.0) as usize;
        g.attention(Attended::Apart([c.tensor("q")?, c.tensor("k")?, c.tensor("v")?]), heads, None)
    },
)];

/// `q [N, T, D], k [N, S, D], v [N, S, D] -> [N, T, D]`, or of all three in one tensor, `[N, T, 3 D]` (`packed`), as one linear map
/// makes them; last may follow a `bias [heads, T, S]` that is added to the scores. `heads` parts of D attend by themselves.
pub static ATTENTION: Operation = Operation {
    name: "attention",
    infer,
    grad: GradRule::Rule(gradient),
    cost: Cost::Rule(|attrs, x, _| flops(attrs, x, 4)),
    samples: samples::by_first,
    values: Values::UNKNOWN,
    in_place: false,
};

/// The inputs of `attention` and `dy` -> the gradients of queries, keys and values: `[N, T, 3 D]` if they are `packed`, otherwise one
/// below the other, `[N, T + 2 S, D]`.
pub static ATTENTION_INPUT_GRAD: Operation = Operation {
    name: "attention_input_grad",
    infer: infer_input_grad,
    grad: GradRule::Stops,
    cost: Cost::Rule(|attrs, x, _| flops(attrs, x, 10)),
    samples: samples::unasked,
    values: Values::UNKNOWN,
    in_place: false,
};

/// The inputs of `attention` and `dy` -> the gradient of the bias, `[heads, T, S]`.
pub static ATTENTION_BIAS_GRAD: Operation = Operation {
    name: "attention_bias_grad",
    infer: |_, inputs| Ok(inputs[inputs.len() - 2].clone()),
    grad: GradRule::Stops,
    cost: Cost::Rule(|attrs, x, _| flops(attrs, x, 4)),
    samples: samples::unasked,
    values: Values::UNKNOWN,
    in_place: false,
};

/// What attends to what.
#[derive(Clone, Copy, Debug)]
pub enum Attended {
    /// Queries, keys and values side by side, `[N, T, 3 D]`.
    Packed(NodeId),
    /// Queries, keys and values.
    Apart([NodeId; 3]),
}

impl Attended {
    fn nodes(&self) -> &[NodeId] {
        match self {
            Attended::Packed(qkv) => std::slice::from_ref(qkv),
            Attended::Apart(parts) => parts,
        }
    }
}

impl Graph {
    /// Attention of `heads` heads, with an optional bias `[heads, T, S]` of the scores.
    pub fn attention(&mut self, of: Attended, heads: usize, bias: Option<NodeId>) -> Result<NodeId, ShapeError> {
        let attrs = Attrs::new().int("heads", heads as i64).bool("packed", matches!(of, Attended::Packed(_)));
        let inputs: Vec<NodeId> = of.nodes().iter().copied().chain(bias).collect();
        self.apply(&ATTENTION, attrs, &inputs)
    }
}

/// Samples, queries, keys and width.
fn sizes(attrs: &Attrs, inputs: &[&TensorType]) -> Result<[Dim; 4], ShapeError> {
    let tokens = |x: &Shape| match &x.0[..] {
        [n, t, d] => Ok([n.clone(), t.clone(), d.clone()]),
        _ => Err(ShapeError::new(format!("attention takes tokens [N, T, D], not {x}"))),
    };
    let [n, queries, width] = tokens(&inputs[0].shape)?;
    if attrs.get_bool("packed") {
        let part = width.divide(&Dim::from(3i64));
        let part =
            part.ok_or_else(|| ShapeError::new(format!("{width} is not queries, keys and values side by side")))?;
        return Ok([n, queries.clone(), queries, part]);
    }
    let (k, v) = (&inputs[1].shape, &inputs[2].shape);
    let [samples, keys, wide] = tokens(k)?;
    if k != v || samples != n || wide != width {
        let q = &inputs[0].shape;
        return Err(ShapeError::new(format!("cannot attend from {q} to keys {k} and values {v}"))
            .help("queries are [N, T, D], keys and values both [N, S, D]"));
    }
    Ok([n, queries, keys, width])
}

fn infer(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let [n, queries, keys, width] = sizes(attrs, inputs)?;
    let heads = Dim::from(attrs.get_usize("heads"));
    if width.divide(&heads).is_none() {
        return Err(indivisible(&width, &heads));
    }
    let plain = if attrs.get_bool("packed") { 1 } else { 3 };
    if let Some(bias) = inputs.get(plain)
        && bias.shape.0 != [heads.clone(), queries.clone(), keys.clone()]
    {
        let wanted = Shape(vec![heads, queries, keys]);
        return Err(ShapeError::new(format!("the bias of the scores must be {wanted}, not {}", bias.shape)));
    }
    Ok(TensorType::float(Shape(vec![n, queries, width])))
}

fn indivisible(width: &Dim, heads: &Dim) -> ShapeError {
    if width.constant().is_some() {
        return ShapeError::new(format!("a width of {width} does not divide into {heads} heads"));
    }
    ShapeError::new(format!("whether a width of {width} divides into {heads} heads is not known")).help(format!(
        "attention of several heads must know the width of queries and keys: a number, or a multiple of {heads}"
    ))
}

fn infer_input_grad(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    if attrs.get_bool("packed") {
        return Ok(inputs[0].clone());
    }
    let [n, queries, keys, width] = sizes(attrs, inputs)?;
    Ok(TensorType::float(Shape(vec![n, &queries + &(&keys + &keys), width])))
}

/// `each` operations for every query, key and feature.
fn flops(attrs: &Attrs, inputs: &[&TensorType], each: i64) -> Dim {
    let dims = sizes(attrs, inputs).unwrap_or_default();
    &Dim::product(&dims) * &Dim::from(each)
}

fn gradient(b: &mut Backward) -> Grads {
    let plain = if b.attrs.get_bool("packed") { 1 } else { 3 };
    let inputs: Vec<NodeId> = b.inputs.iter().copied().chain([b.grad]).collect();
    let mut grads = vec![None; b.inputs.len()];
    if b.needs[..plain].iter().any(|&n| n) {
        let all = b.graph.apply(&ATTENTION_INPUT_GRAD, b.attrs.clone(), &inputs)?;
        let mut start = Dim::default();
        for i in 0..plain {
            let length = b.graph.shape(b.inputs[i]).0[1].clone();
            grads[i] = Some(if plain == 1 { all } else { b.graph.slice(all, 1, &start, &length)? });
            start = &start + &length;
        }
    }
    if b.needs.get(plain) == Some(&true) {
        grads[plain] = Some(b.graph.apply(&ATTENTION_BIAS_GRAD, b.attrs.clone(), &inputs)?);
    }
    Ok(grads)
}
