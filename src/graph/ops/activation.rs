//! Functions of each element that networks bend by: rectifiers, sigmoids, and their gradients.

use super::bounds;
use super::elementwise::{function, unary};
use super::rules::one;
use crate::graph::{Attrs, Function, GradRule, Graph, NodeId, Operation, Range, ShapeError, Values, Zero};

/// Every operation of this family: the result has the shape of the first input and may take its place in memory.
pub const OPERATIONS: &[&Operation] = &[&TANH, &SIGMOID, &SOFTPLUS, &RELU, &RELU_GRAD, &GELU, &GELU_GRAD];

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[
    function("tanh", "tanh x", "The hyperbolic tangent of each element.", |g, c| g.tanh(c.tensor("x")?)),
    function("sigmoid", "1 / (1 + e^-x)", "The logistic function of each element.", |g, c| g.sigmoid(c.tensor("x")?)),
    function("softplus", "ln(1 + e^x)", "A smooth `relu`.", |g, c| g.softplus(c.tensor("x")?)),
    function("relu", "max(x, 0)", "Each element, or 0 where it is negative; its gradient at 0 is 0.", |g, c| {
        g.relu(c.tensor("x")?)
    }),
    function(
        "gelu",
        "x Phi(x)",
        "The Gaussian error linear unit, by the exact erf (Hendrycks & Gimpel 2016).",
        |g, c| g.gelu(c.tensor("x")?),
    ),
];

/// `tanh x`
pub static TANH: Operation = unary("tanh", Values::UNKNOWN.bounds(bounds::both_signs).zero(Zero::AsFirst), |b| {
    let square = b.graph.square(b.output)?;
    let one_ = b.graph.constant(1.0);
    let slope = b.graph.sub(one_, square)?;
    one(b.graph.mul(b.grad, slope))
});
/// `1 / (1 + e^-x)`
pub static SIGMOID: Operation = unary("sigmoid", Values::UNKNOWN.bounds(bounds::share), |b| {
    let one_ = b.graph.constant(1.0);
    let rest = b.graph.sub(one_, b.output)?;
    let slope = b.graph.mul(b.output, rest)?;
    one(b.graph.mul(b.grad, slope))
});
/// `ln(1 + e^x)`
pub static SOFTPLUS: Operation = unary("softplus", Values::UNKNOWN.bounds(|_| Range::at_least_zero(false)), |b| {
    let slope = b.graph.sigmoid(b.inputs[0])?;
    one(b.graph.mul(b.grad, slope))
});
/// `max(x, 0)`
pub static RELU: Operation =
    unary("relu", Values::UNKNOWN.bounds(|b| b.first().clamp(0.0, f64::INFINITY)).zero(Zero::WithFirst), |b| {
        one(b.graph.apply(&RELU_GRAD, Attrs::new(), &[b.output, b.grad]))
    });
/// Of the result `y` of a `relu` and the gradient `dy`: `dy` where `y > 0`, else 0.
pub static RELU_GRAD: Operation = unary("relu_grad", Values::UNKNOWN, |b| {
    let dy = if b.needs[1] { Some(b.graph.apply(&RELU_GRAD, Attrs::new(), &[b.inputs[0], b.grad])?) } else { None };
    Ok(vec![None, dy])
});
/// `x Phi(x)`, by the exact erf.
pub static GELU: Operation = unary("gelu", Values::UNKNOWN.zero(Zero::WithFirst), |b| {
    one(b.graph.apply(&GELU_GRAD, Attrs::new(), &[b.inputs[0], b.grad]))
});
/// Of the input `x` of a `gelu` and the gradient `dy`: `dy (Phi(x) + x phi(x))`.
pub static GELU_GRAD: Operation =
    Operation { grad: GradRule::Stops, ..unary("gelu_grad", Values::UNKNOWN, |_| Ok(Vec::new())) };

impl Graph {
    /// `tanh x`
    pub fn tanh(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        self.unary(&TANH, Attrs::new(), x)
    }

    /// `1 / (1 + e^-x)`
    pub fn sigmoid(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        self.unary(&SIGMOID, Attrs::new(), x)
    }

    /// `ln(1 + e^x)`
    pub fn softplus(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        self.unary(&SOFTPLUS, Attrs::new(), x)
    }

    /// `max(x, 0)`
    pub fn relu(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        self.unary(&RELU, Attrs::new(), x)
    }

    /// `x Phi(x)`
    pub fn gelu(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        self.unary(&GELU, Attrs::new(), x)
    }
}
