//! Arithmetic and comparisons as methods of a graph; what can be decided while building is not left for the run.

use super::binary::{ADD, DIV, EQUAL, LESS, LESS_EQUAL, MAXIMUM, MINIMUM, MUL, NOT_EQUAL, POW, SUB};
use super::elementwise::NEG;
use super::rules::broadcast;
use crate::graph::{Attrs, DType, Graph, NodeId, Operation, ShapeError};

impl Graph {
    /// `a + b`
    pub fn add(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        let (a, b) = self.unrepeated(a, b);
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
        let (a, b) = self.unrepeated(a, b);
        match (self.constant_value(a), self.constant_value(b)) {
            (Some(x), Some(y)) => Ok(self.constant(x - y)),
            (_, Some(0.0)) => Ok(a),
            (Some(0.0), _) => self.neg(b),
            _ => self.binary(&SUB, a, b),
        }
    }

    /// `a * b`
    pub fn mul(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        let (a, b) = self.unrepeated(a, b);
        match (self.constant_value(a), self.constant_value(b)) {
            (_, Some(y)) => self.scale(a, y),
            (Some(x), _) => self.scale(b, x),
            _ => self.commutative(&MUL, a, b),
        }
    }

    /// `a / b`
    pub fn div(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        let (a, b) = self.unrepeated(a, b);
        match (self.constant_value(a), self.constant_value(b)) {
            (Some(x), Some(y)) => Ok(self.constant(x / y)),
            (_, Some(y)) if y != 0.0 => self.scale(a, 1.0 / y),
            (Some(1.0), None) => self.recip(b),
            _ => self.binary(&DIV, a, b),
        }
    }

    /// `x` times a number known now.
    pub fn scale(&mut self, x: NodeId, factor: f64) -> Result<NodeId, ShapeError> {
        if factor == 1.0 {
            return Ok(x);
        }
        let node = self.node(x);
        if let Some(value) = node.constant() {
            return Ok(self.constant(value * factor));
        }
        if node.is(&NEG) {
            return self.scale(node.inputs[0], -factor);
        }
        if node.is(&MUL) {
            let inner = node.inputs[0];
            if let Some(other) = self.constant_value(node.inputs[1]) {
                return self.scale(inner, other * factor);
            }
        } else if factor == -1.0 {
            return self.neg(x);
        }
        let factor = self.constant(factor);
        self.binary(&MUL, x, factor)
    }

    /// `a^b`; simple exponents by simpler operations.
    pub fn pow(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        let (a, b) = self.unrepeated(a, b);
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
        let [a, b] = self.whole_pair(a, b);
        let sources = [self.broadcast_source(a).unwrap_or(a), self.broadcast_source(b).unwrap_or(b)];
        match broadcast(self.shape(a), self.shape(b)) {
            Ok(shape) if sources != [a, b] => {
                let result = self.apply(op, Attrs::new(), &sources)?;
                self.broadcast_to(result, &shape.0)
            }
            _ => self.apply(op, Attrs::new(), &[a, b]),
        }
    }

    /// The same two; a number repeated to the shape of the other is the number.
    fn unrepeated(&self, a: NodeId, b: NodeId) -> (NodeId, NodeId) {
        let number = |x: NodeId, beside: NodeId| {
            let source = self.broadcast_source(x).filter(|&s| self.constant_value(s).is_some())?;
            let shape = broadcast(self.shape(x), self.shape(beside)).ok()?;
            (shape == *self.shape(beside)).then_some(source)
        };
        match (number(a, b), number(b, a)) {
            (Some(a), _) => (a, b),
            (None, Some(b)) => (a, b),
            (None, None) => (a, b),
        }
    }

    /// The same two; a number beside a tensor of whole numbers is whole itself if it can be.
    fn whole_pair(&mut self, a: NodeId, b: NodeId) -> [NodeId; 2] {
        match (self.ty(a).dtype, self.ty(b).dtype) {
            (DType::Int, DType::Float) => [a, self.whole(b).unwrap_or(b)],
            (DType::Float, DType::Int) => [self.whole(a).unwrap_or(a), b],
            _ => [a, b],
        }
    }
}
