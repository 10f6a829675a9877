//! Arithmetic and comparison of two tensors, element by element, with broadcasting.

use super::rules::{GradFn, Grads, InferFn, broadcast_or_explain};
use super::{bounds, samples};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{
    Attrs, Backward, Bounding, Call, Comparison, Cost, DType, Function, GradRule, Graph, Linear, NodeId, Operation,
    Range, ShapeError, TensorType, Undefined, ValueKind, Values, Zero,
};

/// Every operation of this family: of two tensors that broadcast; an input of the result's shape may give it its memory.
pub const OPERATIONS: &[&Operation] =
    &[&ADD, &SUB, &MUL, &DIV, &POW, &MAXIMUM, &MINIMUM, &LESS, &LESS_EQUAL, &EQUAL, &NOT_EQUAL];

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[
    function("maximum", "max(x, y)", "The larger of two elements; equal ones share the gradient.", |g, c| {
        g.maximum(c.tensor("x")?, c.tensor("y")?)
    }),
    function("minimum", "min(x, y)", "The smaller of two elements; equal ones share the gradient.", |g, c| {
        g.minimum(c.tensor("x")?, c.tensor("y")?)
    }),
];

/// `a + b`
pub static ADD: Operation = binary(
    "add",
    Values::UNKNOWN.bounds(bounds::sum).zero(Zero::WithAll).linear(Linear::Jointly),
    |_, t| whole_arithmetic("add", t),
    |b| both(b, |b| Ok(b.grad), |b| Ok(b.grad)),
);
/// `a - b`
pub static SUB: Operation = binary(
    "sub",
    Values::UNKNOWN.bounds(bounds::difference).zero(Zero::Difference).linear(Linear::Jointly),
    |_, t| whole_arithmetic("subtract", t),
    |b| both(b, |b| Ok(b.grad), |b| b.graph.neg(b.grad)),
);
/// `a * b`
pub static MUL: Operation = binary(
    "mul",
    Values::UNKNOWN.bounds(bounds::product).zero(Zero::Product).linear(Linear::Each),
    |_, t| whole_arithmetic("multiply", t),
    |b| both(b, |b| b.graph.mul(b.grad, b.inputs[1]), |b| b.graph.mul(b.grad, b.inputs[0])),
);
/// `a / b`
pub static DIV: Operation = binary(
    "div",
    Values::UNKNOWN.bounds(bounds::quotient).zero(Zero::Quotient).undefined(Undefined::AtZero(1)).linear(Linear::First),
    |_, t| arithmetic("divide", t),
    |b| {
        let by_first = |b: &mut Backward| b.graph.div(b.grad, b.inputs[1]);
        let by_second = |b: &mut Backward| {
            let ratio = b.graph.div(b.output, b.inputs[1])?;
            let product = b.graph.mul(b.grad, ratio)?;
            b.graph.neg(product)
        };
        both(b, by_first, by_second)
    },
);
/// `a^b`; a negative `a` only where `b` is whole.
pub static POW: Operation =
    binary("pow", Values::UNKNOWN, |_, t| arithmetic("raise", t), |b| both(b, pow_by_base, pow_by_exponent));
/// The larger of two.
pub static MAXIMUM: Operation = binary(
    "maximum",
    Values::UNKNOWN.bounds(larger).zero(Zero::WithAll),
    |_, t| arithmetic("take the maximum of", t),
    |b| both(b, |b| winner(b, 0, 1), |b| winner(b, 1, 0)),
);
/// The smaller of two.
pub static MINIMUM: Operation = binary(
    "minimum",
    Values::UNKNOWN.bounds(smaller).zero(Zero::WithAll),
    |_, t| arithmetic("take the minimum of", t),
    |b| both(b, |b| winner(b, 1, 0), |b| winner(b, 0, 1)),
);
/// `a < b`
pub static LESS: Operation = comparison("less", Comparison::Less);
/// `a <= b`
pub static LESS_EQUAL: Operation = comparison("less_equal", Comparison::LessEqual);
/// `a == b`
pub static EQUAL: Operation = comparison("equal", Comparison::Equal);
/// `a != b`
pub static NOT_EQUAL: Operation = comparison("not_equal", Comparison::NotEqual);

const fn binary(name: &'static str, values: Values, infer: InferFn, grad: GradFn) -> Operation {
    Operation {
        name,
        infer,
        grad: GradRule::Rule(grad),
        cost: Cost::PerElement(1),
        samples: samples::each,
        values,
        in_place: true,
    }
}

const fn comparison(name: &'static str, comparison: Comparison) -> Operation {
    Operation {
        name,
        infer: compare,
        grad: GradRule::Stops,
        cost: Cost::PerElement(1),
        samples: samples::each,
        values: Values::UNKNOWN.bounds(bounds::from_zero).kind(ValueKind::Comparison(comparison)),
        in_place: true,
    }
}

fn larger(b: &Bounding) -> Range {
    let (x, y) = (b.first(), b.second());
    Range::within(x.low.max(y.low), x.high.max(y.high), x.zero || y.zero).consistent()
}

fn smaller(b: &Bounding) -> Range {
    let (x, y) = (b.first(), b.second());
    Range::within(x.low.min(y.low), x.high.min(y.high), x.zero || y.zero).consistent()
}

fn arithmetic(verb: &str, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    broadcast_or_explain(verb, &inputs[0].shape, &inputs[1].shape).map(TensorType::float)
}

/// Arithmetic that stays among the whole numbers.
fn whole_arithmetic(verb: &str, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let whole = inputs.iter().all(|t| t.dtype == DType::Int);
    let shape = broadcast_or_explain(verb, &inputs[0].shape, &inputs[1].shape)?;
    Ok(TensorType { dtype: if whole { DType::Int } else { DType::Float }, shape })
}

fn compare(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    broadcast_or_explain("compare", &inputs[0].shape, &inputs[1].shape).map(TensorType::bool)
}

type Side = fn(&mut Backward) -> Result<NodeId, ShapeError>;

/// The gradients of both inputs, each computed only where needed and summed to its input's shape.
fn both(b: &mut Backward, first: Side, second: Side) -> Grads {
    let mut grads = vec![None, None];
    for (i, side) in [first, second].into_iter().enumerate() {
        if b.needs[i] {
            let grad = side(b)?;
            let shape = b.graph.shape(b.inputs[i]).clone();
            grads[i] = Some(b.graph.sum_to(grad, &shape)?);
        }
    }
    Ok(grads)
}

/// `dy b a^(b - 1)`, 0 where `b` is 0, even if `a` is.
fn pow_by_base(b: &mut Backward) -> Result<NodeId, ShapeError> {
    let one = b.graph.constant(1.0);
    let less = b.graph.sub(b.inputs[1], one)?;
    let power = b.graph.pow(b.inputs[0], less)?;
    let scaled = b.graph.mul(b.grad, b.inputs[1])?;
    let slope = b.graph.mul(scaled, power)?;
    if b.graph.constant_value(b.inputs[1]).is_some_and(|exponent| exponent != 0.0) {
        return Ok(slope);
    }
    let zero = b.graph.constant(0.0);
    let flat = b.graph.equal(b.inputs[1], zero)?;
    b.graph.select(flat, zero, slope)
}

/// `dy a^b ln a`, 0 where `a` is 0.
fn pow_by_exponent(b: &mut Backward) -> Result<NodeId, ShapeError> {
    let zero = b.graph.constant(0.0);
    let log = b.graph.log(b.inputs[0])?;
    let slope = b.graph.mul(b.output, log)?;
    let at_zero = b.graph.equal(b.inputs[0], zero)?;
    let slope = b.graph.select(at_zero, zero, slope)?;
    b.graph.mul(b.grad, slope)
}

/// The gradient where input `high` is above input `low`, and half of it where they are equal.
fn winner(b: &mut Backward, high: usize, low: usize) -> Result<NodeId, ShapeError> {
    let above = b.graph.less(b.inputs[low], b.inputs[high])?;
    let tie = b.graph.equal(b.inputs[low], b.inputs[high])?;
    let half = b.graph.constant(0.5);
    let share = b.graph.select(tie, half, above)?;
    b.graph.mul(b.grad, share)
}

const fn function(
    name: &'static str,
    formula: &'static str,
    doc: &'static str,
    build: fn(&mut Graph, &Call) -> Result<NodeId, ShapeError>,
) -> Function {
    const PARAMS: &[Param] = &[
        Param::required("x", ParamType::Tensor, "any tensor"),
        Param::required("y", ParamType::Tensor, "a tensor that broadcasts with `x`"),
    ];
    Function { entry: Entry { name, kind: Kind::Operation, params: PARAMS, formula, doc }, build }
}
