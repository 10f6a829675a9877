//! Sums, extremes and running sums over dimensions.

use super::rules::{Grads, axis, one};
use super::{bounds, samples};
use crate::graph::{
    Attrs, Backward, Cost, DType, Dim, GradRule, Graph, Linear, NodeId, Operation, Shape, ShapeError, TensorType,
    Values, Zero,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&REDUCE_SUM, &REDUCE_MAX, &REDUCE_MIN, &ARGMAX, &CUMSUM];

/// The sum over `axes`; with `keepdim` they stay as dimensions of 1.
pub static REDUCE_SUM: Operation = Operation {
    name: "reduce_sum",
    infer: reduced,
    grad: GradRule::Rule(sum_grad),
    cost: Cost::PerInput(1),
    samples: samples::sums,
    values: Values::UNKNOWN.bounds(|b| b.first().total()).zero(Zero::WithFirst).linear(Linear::Jointly),
    in_place: false,
};
/// The largest element over `axes`; a NaN wins. The gradient goes to the first.
pub static REDUCE_MAX: Operation = Operation {
    name: "reduce_max",
    infer: reduced,
    grad: GradRule::Rule(extreme_grad),
    cost: Cost::PerInput(1),
    samples: samples::reduces,
    values: Values::UNKNOWN.bounds(|b| b.first()).zero(Zero::WithFirst),
    in_place: false,
};
/// The smallest element over `axes`; a NaN wins. The gradient goes to the first.
pub static REDUCE_MIN: Operation = Operation {
    name: "reduce_min",
    infer: reduced,
    grad: GradRule::Rule(extreme_grad),
    cost: Cost::PerInput(1),
    samples: samples::reduces,
    values: Values::UNKNOWN.bounds(|b| b.first()).zero(Zero::WithFirst),
    in_place: false,
};
/// The index of the first of the largest elements along `axis`; with `keepdim` it stays as a dimension of 1.
pub static ARGMAX: Operation = Operation {
    name: "argmax",
    infer: arg_reduced,
    grad: GradRule::Stops,
    cost: Cost::PerInput(1),
    samples: samples::reduces_one,
    values: Values::UNKNOWN.bounds(bounds::from_zero),
    in_place: false,
};
/// The running sum along `axis`, from its end with `reverse`.
pub static CUMSUM: Operation = Operation {
    name: "cumsum",
    infer: same_shape,
    grad: GradRule::Rule(cumsum_grad),
    cost: Cost::PerElement(1),
    samples: samples::along_axis,
    values: Values::UNKNOWN.bounds(|b| b.first().total()).zero(Zero::WithFirst).linear(Linear::Jointly),
    in_place: false,
};

/// The shape without `axes`, or with 1 in their places.
fn without(shape: &Shape, axes: &[usize], keepdim: bool) -> Result<Shape, ShapeError> {
    if let Some(axis) = axes.iter().find(|&&a| a >= shape.rank()) {
        return Err(ShapeError::new(format!("there is no dimension {axis} in {shape}")));
    }
    let kept = |(i, dim): (usize, &Dim)| match axes.contains(&i) {
        true => keepdim.then(|| Dim::from(1i64)),
        false => Some(dim.clone()),
    };
    Ok(Shape(shape.0.iter().enumerate().filter_map(kept).collect()))
}

fn reduced(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    without(&inputs[0].shape, &attrs.get_axes("axes"), attrs.get_bool("keepdim")).map(TensorType::float)
}

fn arg_reduced(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let axis = axis(attrs, &inputs[0].shape)?;
    without(&inputs[0].shape, &[axis], attrs.get_bool("keepdim")).map(TensorType::int)
}

fn same_shape(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    axis(attrs, &inputs[0].shape)?;
    Ok(TensorType { dtype: DType::Float, shape: inputs[0].shape.clone() })
}

fn sum_grad(b: &mut Backward) -> Grads {
    let shape = b.graph.shape(b.inputs[0]).clone();
    let kept = without(&shape, &b.attrs.get_axes("axes"), true)?;
    let grad = b.graph.reshape(b.grad, &kept.0)?;
    one(b.graph.broadcast_to(grad, &shape.0))
}

/// The gradient goes to the first extreme. Several axes are brought together into one, and apart again.
fn extreme_grad(b: &mut Backward) -> Grads {
    let x = b.inputs[0];
    let axes = b.attrs.get_axes("axes");
    let shape = b.graph.shape(x).clone();
    let (rows, order) = b.graph.merge_last(x, &axes)?;
    let signed = if b.graph.node(b.output).is(&REDUCE_MIN) { b.graph.neg(rows)? } else { rows };
    let last = b.graph.shape(rows).rank() - 1;
    let first = b.graph.argmax(signed, last, true)?;
    let length = b.graph.shape(rows).0[last].clone();
    let positions = b.graph.arange(&length);
    let hit = b.graph.equal(positions, first)?;
    let kept = b.graph.shape(first).clone();
    let grad = b.graph.reshape(b.grad, &kept.0)?;
    let zero = b.graph.constant(0.0);
    let grad = b.graph.select(hit, grad, zero)?;
    let apart: Vec<Dim> = order.iter().map(|&i| shape.0[i].clone()).collect();
    let grad = b.graph.reshape(grad, &apart)?;
    let mut back = vec![0; order.len()];
    order.iter().enumerate().for_each(|(to, &from)| back[from] = to);
    one(b.graph.permute(grad, &back))
}

fn cumsum_grad(b: &mut Backward) -> Grads {
    one(b.graph.cumsum_along(b.grad, b.attrs.get_usize("axis"), !b.attrs.get_bool("reverse")))
}

impl Graph {
    /// The sum over `axes`.
    pub fn sum(&mut self, x: NodeId, axes: &[usize], keepdim: bool) -> Result<NodeId, ShapeError> {
        self.reduce(&REDUCE_SUM, x, axes, keepdim)
    }

    /// The mean over `axes`.
    pub fn mean(&mut self, x: NodeId, axes: &[usize], keepdim: bool) -> Result<NodeId, ShapeError> {
        let sum = self.sum(x, axes, keepdim)?;
        let count = self.count_along(x, axes);
        let count = self.dimension(&count);
        self.div(sum, count)
    }

    /// The mean over everything.
    pub fn mean_all(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        let axes: Vec<usize> = (0..self.shape(x).rank()).collect();
        self.mean(x, &axes, false)
    }

    /// The sum over everything.
    pub fn sum_all(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        let axes: Vec<usize> = (0..self.shape(x).rank()).collect();
        self.sum(x, &axes, false)
    }

    /// The largest element over `axes`.
    pub fn max(&mut self, x: NodeId, axes: &[usize], keepdim: bool) -> Result<NodeId, ShapeError> {
        self.reduce(&REDUCE_MAX, x, axes, keepdim)
    }

    /// The smallest element over `axes`.
    pub fn min(&mut self, x: NodeId, axes: &[usize], keepdim: bool) -> Result<NodeId, ShapeError> {
        self.reduce(&REDUCE_MIN, x, axes, keepdim)
    }

    /// The index of the first of the largest elements along `axis`.
    pub fn argmax(&mut self, x: NodeId, axis: usize, keepdim: bool) -> Result<NodeId, ShapeError> {
        self.apply(&ARGMAX, Attrs::new().int("axis", axis as i64).bool("keepdim", keepdim), &[x])
    }

    /// The running sum along `axis`.
    pub fn cumsum(&mut self, x: NodeId, axis: usize) -> Result<NodeId, ShapeError> {
        self.cumsum_along(x, axis, false)
    }

    fn cumsum_along(&mut self, x: NodeId, axis: usize, reverse: bool) -> Result<NodeId, ShapeError> {
        self.apply(&CUMSUM, Attrs::new().int("axis", axis as i64).bool("reverse", reverse), &[x])
    }

    /// How many elements a reduction over `axes` joins into one.
    pub fn count_along(&self, x: NodeId, axes: &[usize]) -> Dim {
        Dim::product(axes.iter().filter_map(|&a| self.shape(x).0.get(a)))
    }

    /// The tensor with `axes` moved behind the others and merged into one, and the order of dimensions before merging.
    fn merge_last(&mut self, x: NodeId, axes: &[usize]) -> Result<(NodeId, Vec<usize>), ShapeError> {
        let shape = self.shape(x).clone();
        let others = (0..shape.rank()).filter(|i| !axes.contains(i));
        let mut dims: Vec<Dim> = others.clone().map(|i| shape.0[i].clone()).collect();
        dims.push(self.count_along(x, axes));
        let order: Vec<usize> = others.chain(axes.iter().copied()).collect();
        let moved = self.permute(x, &order)?;
        Ok((self.reshape(moved, &dims)?, order))
    }

    /// A reduction; over dimensions of 1 there is nothing to do but to drop them.
    fn reduce(
        &mut self,
        op: &'static Operation,
        x: NodeId,
        axes: &[usize],
        keepdim: bool,
    ) -> Result<NodeId, ShapeError> {
        let kept = without(self.shape(x), axes, keepdim)?;
        if self.count_along(x, axes).is(1) {
            return self.reshape(x, &kept.0);
        }
        self.apply(op, Attrs::new().axes("axes", axes).bool("keepdim", keepdim), &[x])
    }
}
