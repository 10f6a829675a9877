//! Arithmetic and comparison of two tensors, element by element, with broadcasting.

use super::rules::{GradFn, Grads, InferFn, broadcast, broadcast_or_explain};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{Attrs, Backward, Call, Cost, Function, GradRule, Graph, NodeId, Operation, ShapeError, TensorType};

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
pub static ADD: Operation = binary("add", |_, t| arithmetic("add", t), |b| both(b, |b| Ok(b.grad), |b| Ok(b.grad)));
/// `a - b`
pub static SUB: Operation =
    binary("sub", |_, t| arithmetic("subtract", t), |b| both(b, |b| Ok(b.grad), |b| b.graph.neg(b.grad)));
/// `a * b`
pub static MUL: Operation = binary(
    "mul",
    |_, t| arithmetic("multiply", t),
    |b| both(b, |b| b.graph.mul(b.grad, b.inputs[1]), |b| b.graph.mul(b.grad, b.inputs[0])),
);
/// `a / b`
pub static DIV: Operation = binary(
    "div",
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
pub static POW: Operation = binary("pow", |_, t| arithmetic("raise", t), |b| both(b, pow_by_base, pow_by_exponent));
/// The larger of two.
pub static MAXIMUM: Operation = binary(
    "maximum",
    |_, t| arithmetic("take the maximum of", t),
    |b| both(b, |b| winner(b, 0, 1), |b| winner(b, 1, 0)),
);
/// The smaller of two.
pub static MINIMUM: Operation = binary(
    "minimum",
    |_, t| arithmetic("take the minimum of", t),
    |b| both(b, |b| winner(b, 1, 0), |b| winner(b, 0, 1)),
);
/// `a < b`
pub static LESS: Operation = comparison("less");
/// `a <= b`
pub static LESS_EQUAL: Operation = comparison("less_equal");
/// `a == b`
pub static EQUAL: Operation = comparison("equal");
/// `a != b`
pub static NOT_EQUAL: Operation = comparison("not_equal");

const fn binary(name: &'static str, infer: InferFn, grad: GradFn) -> Operation {
    Operation { name, infer, grad: GradRule::Rule(grad), cost: Cost::PerElement(1) }
}

const fn comparison(name: &'static str) -> Operation {
    Operation { name, infer: compare, grad: GradRule::Stops, cost: Cost::PerElement(1) }
}

fn arithmetic(verb: &str, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    broadcast_or_explain(verb, &inputs[0].shape, &inputs[1].shape).map(TensorType::float)
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

/// `dy b a^(b - 1)`
fn pow_by_base(b: &mut Backward) -> Result<NodeId, ShapeError> {
    let one = b.graph.constant(1.0);
    let less = b.graph.sub(b.inputs[1], one)?;
    let power = b.graph.pow(b.inputs[0], less)?;
    let scaled = b.graph.mul(b.grad, b.inputs[1])?;
    b.graph.mul(scaled, power)
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

impl Graph {
    /// `a + b`
    pub fn add(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        match (self.constant_value(a), self.constant_value(b)) {
            (Some(x), Some(y)) => Ok(self.constant(x + y)),
            (_, Some(0.0)) => Ok(a),
            (Some(0.0), _) => Ok(b),
            (Some(_), None) => self.binary(&ADD, b, a),
            _ => match self.join_pads(a, b)? {
                Some(joined) => Ok(joined),
                None => self.commutative(&ADD, a, b),
            },
        }
    }

    /// `a - b`
    pub fn sub(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        match (self.constant_value(a), self.constant_value(b)) {
            (Some(x), Some(y)) => Ok(self.constant(x - y)),
            (_, Some(0.0)) => Ok(a),
            (Some(0.0), _) => self.neg(b),
            _ => self.binary(&SUB, a, b),
        }
    }

    /// `a * b`
    pub fn mul(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        match (self.constant_value(a), self.constant_value(b)) {
            (_, Some(y)) => self.scale(a, y),
            (Some(x), _) => self.scale(b, x),
            _ => self.commutative(&MUL, a, b),
        }
    }

    /// `a / b`
    pub fn div(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        match (self.constant_value(a), self.constant_value(b)) {
            (Some(x), Some(y)) => Ok(self.constant(x / y)),
            (_, Some(y)) if y != 0.0 => self.scale(a, 1.0 / y),
            (Some(1.0), None) => self.recip(b),
            _ => self.binary(&DIV, a, b),
        }
    }

    /// `x` times a number known now.
    pub fn scale(&mut self, x: NodeId, factor: f64) -> Result<NodeId, ShapeError> {
        let node = self.node(x);
        match (node.op.name, factor) {
            (_, 1.0) => return Ok(x),
            ("constant", _) => {
                let value = node.attrs.get_float("value") * factor;
                return Ok(self.constant(value));
            }
            ("neg", _) => {
                let inner = node.inputs[0];
                return self.scale(inner, -factor);
            }
            ("mul", _) => {
                let inner = node.inputs[0];
                if let Some(other) = self.constant_value(node.inputs[1]) {
                    return self.scale(inner, other * factor);
                }
            }
            (_, -1.0) => return self.neg(x),
            _ => {}
        }
        let factor = self.constant(factor);
        self.binary(&MUL, x, factor)
    }

    /// `a^b`; simple exponents by simpler operations.
    pub fn pow(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        match (self.constant_value(a), self.constant_value(b)) {
            (Some(x), Some(y)) => Ok(self.constant(x.powf(y))),
            (None, Some(1.0)) => Ok(a),
            (None, Some(2.0)) => self.square(a),
            (None, Some(3.0)) => {
                let square = self.square(a)?;
                self.mul(square, a)
            }
            (None, Some(0.5)) => self.sqrt(a),
            (None, Some(-1.0)) => self.recip(a),
            (None, Some(0.0)) => {
                let (shape, one) = (self.shape(a).clone(), self.constant(1.0));
                self.broadcast_to(one, &shape.0)
            }
            _ => self.binary(&POW, a, b),
        }
    }

    /// The larger of two.
    pub fn maximum(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        self.binary(&MAXIMUM, a, b)
    }

    /// The smaller of two.
    pub fn minimum(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        self.binary(&MINIMUM, a, b)
    }

    /// `a < b`
    pub fn less(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        self.binary(&LESS, a, b)
    }

    /// `a <= b`
    pub fn less_equal(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        self.binary(&LESS_EQUAL, a, b)
    }

    /// `a > b`
    pub fn greater(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        self.less(b, a)
    }

    /// `a >= b`
    pub fn greater_equal(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        self.less_equal(b, a)
    }

    /// `a == b`
    pub fn equal(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        self.binary(&EQUAL, a, b)
    }

    /// `a != b`
    pub fn not_equal(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        self.binary(&NOT_EQUAL, a, b)
    }

    /// An operation whose inputs may change places, so that `a + b` and `b + a` are one node.
    fn commutative(&mut self, op: &'static Operation, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        let swap = b < a && self.shape(a) == self.shape(b);
        if swap { self.binary(op, b, a) } else { self.binary(op, a, b) }
    }

    /// A binary operation; of repeated tensors it is computed before they are repeated.
    fn binary(&mut self, op: &'static Operation, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        let sources = [self.broadcast_source(a).unwrap_or(a), self.broadcast_source(b).unwrap_or(b)];
        match broadcast(self.shape(a), self.shape(b)) {
            Ok(shape) if sources != [a, b] => {
                let result = self.apply(op, Attrs::new(), &sources)?;
                self.broadcast_to(result, &shape.0)
            }
            _ => self.apply(op, Attrs::new(), &[a, b]),
        }
    }
}
