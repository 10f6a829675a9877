//! What shape rules and gradient rules of several families share.

use super::movement::BROADCAST_TO;
use crate::graph::{Attrs, Backward, Dim, Graph, NodeId, ParamId, Shape, ShapeError, TensorType};

/// What a gradient rule answers.
pub type Grads = Result<Vec<Option<NodeId>>, ShapeError>;

/// A gradient rule.
pub type GradFn = fn(&mut Backward) -> Grads;

/// A shape rule.
pub type InferFn = fn(&Attrs, &[&TensorType]) -> Result<TensorType, ShapeError>;

/// The gradient of an operation of one input.
pub fn one(grad: Result<NodeId, ShapeError>) -> Grads {
    Ok(vec![Some(grad?)])
}

/// The number `axis` attribute of a tensor of `shape`, checked.
pub fn axis(attrs: &Attrs, shape: &Shape) -> Result<usize, ShapeError> {
    let axis = attrs.get_usize("axis");
    if axis < shape.rank() {
        return Ok(axis);
    }
    Err(ShapeError::new(format!("there is no dimension {axis} in {shape}")))
}

/// The shape two tensors broadcast to, or the dimension that differs, counted from the end.
pub fn broadcast(a: &Shape, b: &Shape) -> Result<Shape, usize> {
    let rank = a.rank().max(b.rank());
    let from_end = |s: &Shape, i: usize| s.rank().checked_sub(i).map(|at| s.0[at].clone());
    let mut dims = Vec::with_capacity(rank);
    for i in (1..=rank).rev() {
        dims.push(match (from_end(a, i), from_end(b, i)) {
            (Some(x), Some(y)) if x == y || y.is(1) => x,
            (Some(x), Some(y)) if x.is(1) => y,
            (Some(_), Some(_)) => return Err(i),
            (Some(x), None) | (None, Some(x)) => x,
            (None, None) => return Err(i),
        });
    }
    Ok(Shape(dims))
}

/// The shape two tensors broadcast to, or why they cannot: `cannot VERB [N, 128] and [N, 64]: ...`.
pub fn broadcast_or_explain(verb: &str, a: &Shape, b: &Shape) -> Result<Shape, ShapeError> {
    broadcast(a, b).map_err(|from_end| {
        let (i, j) = (a.rank() - from_end, b.rank() - from_end);
        let (x, y) = (&a.0[i], &b.0[j]);
        let which = match from_end {
            _ if i == j => format!("dimension {i} differs"),
            1 => "the last dimension differs".to_owned(),
            _ => format!("dimension {i} of the one and {j} of the other differ"),
        };
        let error = ShapeError::new(format!("cannot {verb} {a} and {b}: {which} ({x} and {y})"));
        match broadcast_help(a, b) {
            Some(help) => error.help(help),
            None => error,
        }
    })
}

/// The likely repair of two shapes that do not broadcast.
fn broadcast_help(a: &Shape, b: &Shape) -> Option<String> {
    let (long, short) = if a.rank() >= b.rank() { (a, b) } else { (b, a) };
    if long.rank() > short.rank() && long.0.starts_with(&short.0) {
        return Some(
            "dimensions are matched from the last one; a reduction with `keepdim: true` keeps its place".into(),
        );
    }
    let reversed: Vec<Dim> = short.0.iter().rev().cloned().collect();
    (long.rank() == 2 && reversed == long.0).then(|| "one is the other transposed; did you mean `.T`?".into())
}

impl Graph {
    /// Sums a gradient over the dimensions along which a tensor of `shape` was broadcast.
    pub fn sum_to(&mut self, x: NodeId, shape: &Shape) -> Result<NodeId, ShapeError> {
        let from = self.shape(x).clone();
        if from == *shape {
            return Ok(x);
        }
        let added = from.rank() - shape.rank();
        let stretched = |i: usize| i < added || (shape.0[i - added].is(1) && !from.0[i].is(1));
        let axes: Vec<usize> = (0..from.rank()).filter(|&i| stretched(i)).collect();
        let sum = self.sum(x, &axes, false)?;
        self.reshape(sum, &shape.0)
    }

    /// The number a node is, if it is a constant.
    pub fn constant_value(&self, x: NodeId) -> Option<f64> {
        self.node(x).constant()
    }

    /// The parameter that a node reads, if it reads one.
    pub fn parameter_read(&self, x: NodeId) -> Option<ParamId> {
        self.node(x).parameter()
    }

    /// The tensor that a node repeats, if it is a broadcast.
    pub(super) fn broadcast_source(&self, x: NodeId) -> Option<NodeId> {
        let node = self.node(x);
        node.is(&BROADCAST_TO).then(|| node.inputs[0])
    }

    /// Zeros of a node's shape.
    pub fn zeros_like(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        let (shape, zero) = (self.shape(x).clone(), self.constant(0.0));
        self.broadcast_to(zero, &shape.0)
    }
}
