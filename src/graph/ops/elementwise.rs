//! Functions of each element by itself.

use super::binary::MUL;
use super::rules::{GradFn, one};
use super::{bounds, samples};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{
    Attrs, Bounding, Call, Cost, Function, GradRule, Graph, Leaf, Linear, NodeId, NodeKind, Operation, Range,
    ShapeError, TensorType, Undefined, Values, Zero,
};

/// Every operation of this family: the result has the shape of the first input and may take its place in memory.
pub const OPERATIONS: &[&Operation] =
    &[&NEG, &EXP, &LOG, &SQRT, &SQUARE, &RECIP, &ABS, &SIGN, &SIN, &COS, &ERF, &INVERSE_ERF, &CLAMP, &STOPGRAD];

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[
    function("exp", "e^x", "The exponential of each element.", |g, c| g.exp(c.tensor("x")?)),
    function("log", "ln x", "The natural logarithm of each element.", |g, c| g.log(c.tensor("x")?)),
    function("sqrt", "x^(1/2)", "The square root of each element; its gradient at 0 is infinite.", |g, c| {
        g.sqrt(c.tensor("x")?)
    }),
    function("abs", "|x|", "The absolute value of each element; its gradient at 0 is 0.", |g, c| g.abs(c.tensor("x")?)),
    function("sign", "x / |x|, 0 at 0", "The sign of each element: -1, 0 or 1. Passes no gradient.", |g, c| {
        g.sign(c.tensor("x")?)
    }),
    function("sin", "sin x", "The sine of each element.", |g, c| g.sin(c.tensor("x")?)),
    function("cos", "cos x", "The cosine of each element.", |g, c| g.cos(c.tensor("x")?)),
    function("erf", "2 / sqrt(pi) int_0^x e^(-t^2) dt", "The error function of each element.", |g, c| {
        g.erf(c.tensor("x")?)
    }),
    function(
        "inverse_erf",
        "y with erf(y) = x",
        "The inverse of the error function: `sqrt(2) * inverse_erf(2 * p - 1)` is the normal quantile of `p`.",
        |g, c| g.inverse_erf(c.tensor("x")?),
    ),
    Function {
        entry: Entry {
            name: "clamp",
            kind: Kind::Operation,
            params: &[
                Param::required("x", ParamType::Tensor, "any tensor"),
                Param::optional("min", ANY_NUMBER, "none", "the lower bound"),
                Param::optional("max", ANY_NUMBER, "none", "the upper bound"),
            ],
            formula: "min(max(x, min), max)",
            doc: "Each element, brought into the bounds; outside of them the gradient is 0.",
        },
        build: |g, c| {
            let (min, max) = (c.number("min"), c.number("max"));
            g.clamp(c.tensor("x")?, min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY))
        },
    },
    function("stopgrad", "x, with gradient 0", "The same values, cut off from gradients.", |g, c| {
        g.stopgrad(c.tensor("x")?)
    }),
];

const ANY_NUMBER: ParamType = ParamType::Number { min: f64::NEG_INFINITY, max: f64::INFINITY };

/// The error function.
pub static ERF: Operation =
    unary("erf", Values::UNKNOWN.bounds(|b| Range::within(-1.0, 1.0, b.first().zero)).zero(Zero::AsFirst), |b| {
        let square = b.graph.square(b.inputs[0])?;
        let power = b.graph.neg(square)?;
        let density = b.graph.exp(power)?;
        let density = b.graph.scale(density, std::f64::consts::FRAC_2_SQRT_PI)?;
        one(b.graph.mul(b.grad, density))
    });
/// The inverse of the error function.
pub static INVERSE_ERF: Operation = unary("inverse_erf", Values::UNKNOWN.zero(Zero::AsFirst), |b| {
    let square = b.graph.square(b.output)?;
    let slope = b.graph.exp(square)?;
    let slope = b.graph.scale(slope, 1.0 / std::f64::consts::FRAC_2_SQRT_PI)?;
    one(b.graph.mul(b.grad, slope))
});
/// `-x`
pub static NEG: Operation =
    unary("neg", Values::UNKNOWN.bounds(|b| b.first().negated()).zero(Zero::AsFirst).linear(Linear::Jointly), |b| {
        one(b.graph.neg(b.grad))
    });
/// `e^x`
pub static EXP: Operation = unary("exp", Values::UNKNOWN.bounds(exponential), |b| one(b.graph.mul(b.grad, b.output)));
/// `ln x`
pub static LOG: Operation =
    unary("log", Values::UNKNOWN.undefined(Undefined::UpToZero), |b| one(b.graph.div(b.grad, b.inputs[0])));
/// `x^(1/2)`
pub static SQRT: Operation = unary(
    "sqrt",
    Values::UNKNOWN.bounds(|b| b.first().sqrt()).zero(Zero::AsFirst).undefined(Undefined::BelowZero),
    |b| {
        let half = b.graph.scale(b.grad, 0.5)?;
        one(b.graph.div(half, b.output))
    },
);
/// `x^2`
pub static SQUARE: Operation =
    unary("square", Values::UNKNOWN.bounds(|b| b.first().square()).zero(Zero::AsFirst), |b| {
        let twice = b.graph.scale(b.grad, 2.0)?;
        one(b.graph.mul(twice, b.inputs[0]))
    });
/// `1 / x`
pub static RECIP: Operation =
    unary("recip", Values::UNKNOWN.bounds(|b| b.first().reciprocal()).undefined(Undefined::AtZero(0)), |b| {
        let square = b.graph.square(b.output)?;
        let product = b.graph.mul(b.grad, square)?;
        one(b.graph.neg(product))
    });
/// `|x|`
pub static ABS: Operation = unary("abs", Values::UNKNOWN.bounds(magnitude).zero(Zero::AsFirst), |b| {
    let sign = b.graph.sign(b.inputs[0])?;
    one(b.graph.mul(b.grad, sign))
});
/// -1, 0 or 1.
pub static SIGN: Operation = Operation {
    grad: GradRule::Stops,
    ..unary("sign", Values::UNKNOWN.bounds(|b| Range::within(-1.0, 1.0, b.first().zero)).zero(Zero::AsFirst), |_| {
        Ok(Vec::new())
    })
};
/// `sin x`
pub static SIN: Operation = unary("sin", Values::UNKNOWN.bounds(bounds::both_signs), |b| {
    let cos = b.graph.cos(b.inputs[0])?;
    one(b.graph.mul(b.grad, cos))
});
/// `cos x`
pub static COS: Operation = unary("cos", Values::UNKNOWN.bounds(bounds::both_signs), |b| {
    let sin = b.graph.sin(b.inputs[0])?;
    let product = b.graph.mul(b.grad, sin)?;
    one(b.graph.neg(product))
});
/// Brings each element between `min` and `max`.
pub static CLAMP: Operation = unary("clamp", Values::UNKNOWN.bounds(clamped), |b| {
    let (min, max) = (b.attrs.get_float("min"), b.attrs.get_float("max"));
    let (x, zero) = (b.inputs[0], b.graph.constant(0.0));
    let mut grad = b.grad;
    if min.is_finite() {
        let min = b.graph.constant(min);
        let inside = b.graph.less_equal(min, x)?;
        grad = b.graph.select(inside, grad, zero)?;
    }
    if max.is_finite() {
        let max = b.graph.constant(max);
        let inside = b.graph.less_equal(x, max)?;
        grad = b.graph.select(inside, grad, zero)?;
    }
    one(Ok(grad))
});
/// The same values, cut off from gradients; takes no memory of its own.
pub static STOPGRAD: Operation =
    Operation { grad: GradRule::Stops, cost: Cost::Free, ..unary("stopgrad", Values::MOVED, |_| Ok(Vec::new())) };

pub(super) const fn unary(name: &'static str, values: Values, grad: GradFn) -> Operation {
    Operation {
        name,
        infer: same_shape,
        grad: GradRule::Rule(grad),
        cost: Cost::PerElement(1),
        samples: samples::each,
        values,
        in_place: true,
    }
}

fn exponential(b: &Bounding) -> Range {
    let x = b.first();
    Range::within(x.low.exp(), x.high.exp(), false)
}

fn magnitude(b: &Bounding) -> Range {
    let x = b.first();
    Range { high: x.high.abs().max(x.low.abs()), ..x.square().sqrt() }
}

fn clamped(b: &Bounding) -> Range {
    let attrs = b.node.attrs();
    b.first().clamp(attrs.get_float("min"), attrs.get_float("max"))
}

pub(super) fn same_shape(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    Ok(TensorType::float(inputs[0].shape.clone()))
}

pub(super) const fn function(
    name: &'static str,
    formula: &'static str,
    doc: &'static str,
    build: fn(&mut Graph, &Call) -> Result<NodeId, ShapeError>,
) -> Function {
    const PARAMS: &[Param] = &[Param::required("x", ParamType::Tensor, "any tensor")];
    Function { entry: Entry { name, kind: Kind::Operation, params: PARAMS, formula, doc }, build }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident $op:ident;)*) => {
        impl Graph {$(
            $(#[$doc])*
            pub fn $method(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
                self.unary(&$op, Attrs::new(), x)
            }
        )*}
    };
}

methods! {
    /// `e^x`
    exp EXP;
    /// `ln x`
    log LOG;
    /// `x^(1/2)`
    sqrt SQRT;
    /// `x^2`
    square SQUARE;
    /// `1 / x`
    recip RECIP;
    /// `|x|`
    abs ABS;
    /// -1, 0 or 1.
    sign SIGN;
    /// The error function.
    erf ERF;
    /// The inverse of the error function.
    inverse_erf INVERSE_ERF;
    /// `sin x`
    sin SIN;
    /// `cos x`
    cos COS;
}

impl Graph {
    /// `-x`
    pub fn neg(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        let node = self.node(x);
        if let Some(value) = node.constant() {
            return Ok(self.constant(-value));
        }
        if node.is(&NEG) {
            return Ok(node.inputs[0]);
        }
        match node.is(&MUL) && self.constant_value(node.inputs[1]).is_some() {
            true => self.scale(x, -1.0),
            false => self.unary(&NEG, Attrs::new(), x),
        }
    }

    /// Each element brought between `min` and `max`.
    pub fn clamp(&mut self, x: NodeId, min: f64, max: f64) -> Result<NodeId, ShapeError> {
        self.unary(&CLAMP, Attrs::new().float("min", min).float("max", max), x)
    }

    /// The same values, cut off from gradients.
    pub fn stopgrad(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        let node = self.node(x);
        let still = match &node.kind {
            NodeKind::Computed(op, _) => *op == &STOPGRAD,
            NodeKind::Leaf(Leaf::Parameter(_) | Leaf::Input(_)) => false,
            NodeKind::Leaf(Leaf::State(_) | Leaf::Scalar(_) | Leaf::Constant { .. } | Leaf::Dimension { .. }) => true,
        };
        if still {
            return Ok(x);
        }
        self.apply(&STOPGRAD, Attrs::new(), &[x])
    }

    /// A function of each element; of a repeated tensor it is computed once.
    pub(super) fn unary(&mut self, op: &'static Operation, attrs: Attrs, x: NodeId) -> Result<NodeId, ShapeError> {
        let Some(source) = self.broadcast_source(x) else { return self.apply(op, attrs, &[x]) };
        let shape = self.shape(x).clone();
        let result = self.apply(op, attrs, &[source])?;
        self.broadcast_to(result, &shape.0)
    }
}
