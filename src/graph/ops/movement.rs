//! Shapes changed and elements moved, nothing computed.

use super::rules::{Grads, axis, broadcast, one};
use super::{bounds, samples};
use crate::graph::{
    Attrs, Backward, Cost, Dim, GradRule, Graph, Linear, NodeId, Operation, SamplesRule, Shape, ShapeError, TensorType,
    Values, Zero,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&RESHAPE, &PERMUTE, &BROADCAST_TO, &SLICE, &PAD, &CONCAT];

/// The same elements in the shape `dims`; takes no memory of its own.
pub static RESHAPE: Operation = movement("reshape", infer_reshape, samples::reshape, Values::MOVED, |b| {
    let shape = b.graph.shape(b.inputs[0]).clone();
    one(b.graph.reshape(b.grad, &shape.0))
});
/// Dimension `i` of the result is dimension `axes[i]` of the input.
pub static PERMUTE: Operation = movement("permute", infer_permute, samples::permute, Values::MOVED, |b| {
    let axes = b.attrs.get_axes("axes");
    let mut back = vec![0; axes.len()];
    axes.iter().enumerate().for_each(|(to, &from)| back[from] = to);
    one(b.graph.permute(b.grad, &back))
});
/// Repeated along dimensions of 1 and along new leading dimensions, to the shape `dims`.
pub static BROADCAST_TO: Operation = movement("broadcast_to", infer_broadcast, samples::each, Values::MOVED, |b| {
    let shape = b.graph.shape(b.inputs[0]).clone();
    one(b.graph.sum_to(b.grad, &shape))
});
/// `length[0]` elements along `axis`, from `start[0]`.
pub static SLICE: Operation =
    movement("slice", infer_slice, samples::moved_along_axis, Values::MOVED.zero(Zero::WithFirst), |b| {
        let axis = b.attrs.get_usize("axis");
        let (start, length) = (b.attrs.get_dim("start"), b.attrs.get_dim("length"));
        let after = &(&b.graph.shape(b.inputs[0]).0[axis] - start) - length;
        one(b.graph.pad(b.grad, axis, start, &after))
    });
/// Zeros along `axis`: `before[0]` of them before and `after[0]` after.
pub static PAD: Operation = movement("pad", infer_pad, samples::moved_along_axis, PADDED, |b| {
    let axis = b.attrs.get_usize("axis");
    let length = b.graph.shape(b.inputs[0]).0[axis].clone();
    one(b.graph.slice(b.grad, axis, b.attrs.get_dim("before"), &length))
});
/// All inputs, one behind the other along `axis`.
pub static CONCAT: Operation = movement("concat", infer_concat, samples::moved_along_axis, JOINED, concat_grad);

const fn movement(
    name: &'static str,
    infer: fn(&Attrs, &[&TensorType]) -> Result<TensorType, ShapeError>,
    samples: SamplesRule,
    values: Values,
    grad: fn(&mut Backward) -> Grads,
) -> Operation {
    Operation { name, infer, grad: GradRule::Rule(grad), cost: Cost::Free, samples, values, in_place: false }
}

const PADDED: Values = Values::UNKNOWN.bounds(bounds::with_zeros).zero(Zero::WithFirst).linear(Linear::Jointly);
const JOINED: Values = Values::MOVED.bounds(bounds::any_input).zero(Zero::WithAll);

fn infer_reshape(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let (from, to) = (&inputs[0].shape, Shape(attrs.get_dims("dims").to_vec()));
    if from.count() == to.count() {
        return Ok(TensorType { dtype: inputs[0].dtype, shape: to });
    }
    Err(ShapeError::new(format!("cannot reshape {from} to {to}: {} elements are not {}", from.count(), to.count())))
}

fn infer_permute(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let (from, axes) = (&inputs[0].shape, attrs.get_axes("axes"));
    let mut sorted = axes.clone();
    sorted.sort_unstable();
    if sorted != (0..from.rank()).collect::<Vec<_>>() {
        return Err(ShapeError::new(format!("{axes:?} is no order of the {} dimensions of {from}", from.rank())));
    }
    Ok(TensorType { dtype: inputs[0].dtype, shape: Shape(axes.iter().map(|&a| from.0[a].clone()).collect()) })
}

fn infer_broadcast(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let (from, to) = (&inputs[0].shape, Shape(attrs.get_dims("dims").to_vec()));
    if broadcast(from, &to).as_ref() == Ok(&to) {
        return Ok(TensorType { dtype: inputs[0].dtype, shape: to });
    }
    Err(ShapeError::new(format!("cannot repeat {from} to fill {to}")))
}

fn infer_slice(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let axis = axis(attrs, &inputs[0].shape)?;
    let (start, length) = (attrs.get_dim("start"), attrs.get_dim("length"));
    let mut shape = inputs[0].shape.clone();
    let end = start + length;
    let negative = |d: &Dim| d.constant().is_some_and(|n| n < 0);
    if negative(start) || negative(length) || negative(&(&shape.0[axis] - &end)) {
        let dim = &shape.0[axis];
        return Err(ShapeError::new(format!(
            "cannot take {start}..{end} of dimension {axis} of {shape}: it has {dim}"
        )));
    }
    shape.0[axis] = length.clone();
    Ok(TensorType { dtype: inputs[0].dtype, shape })
}

fn infer_pad(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let axis = axis(attrs, &inputs[0].shape)?;
    let mut shape = inputs[0].shape.clone();
    shape.0[axis] = &(attrs.get_dim("before") + &shape.0[axis]) + attrs.get_dim("after");
    Ok(TensorType { dtype: inputs[0].dtype, shape })
}

fn infer_concat(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let first = inputs.first().ok_or_else(|| ShapeError::new("there is nothing to concatenate"))?;
    let axis = axis(attrs, &first.shape)?;
    let mut shape = first.shape.clone();
    for other in &inputs[1..] {
        let same = |(i, d): (usize, &Dim)| i == axis || *d == shape.0[i];
        if other.shape.rank() != shape.rank() || !other.shape.0.iter().enumerate().all(same) {
            let (a, b) = (&first.shape, &other.shape);
            return Err(ShapeError::new(format!("cannot concatenate {a} and {b} along dimension {axis}"))
                .help(format!("all dimensions but {axis} must be the same")));
        }
        shape.0[axis] = &shape.0[axis] + &other.shape.0[axis];
    }
    Ok(TensorType { dtype: first.dtype, shape })
}

fn concat_grad(b: &mut Backward) -> Grads {
    let axis = b.attrs.get_usize("axis");
    let mut start = Dim::default();
    let mut grads = Vec::new();
    for (i, &input) in b.inputs.iter().enumerate() {
        let length = b.graph.shape(input).0[axis].clone();
        grads.push(if b.needs[i] { Some(b.graph.slice(b.grad, axis, &start, &length)?) } else { None });
        start = &start + &length;
    }
    Ok(grads)
}

impl Graph {
    /// The same elements in another shape.
    pub fn reshape(&mut self, x: NodeId, dims: &[Dim]) -> Result<NodeId, ShapeError> {
        let node = self.node(x);
        if node.ty.shape.0 == dims {
            return Ok(x);
        }
        if node.ty.shape.count() == Dim::product(dims) {
            if node.is(&RESHAPE) {
                return self.reshape(node.inputs[0], dims);
            }
            if let Some(source) = self.broadcast_source(x).filter(|&source| self.shape(source).rank() == 0) {
                return self.broadcast_to(source, dims);
            }
        }
        self.apply(&RESHAPE, Attrs::new().dims("dims", dims), &[x])
    }

    /// Dimension `i` of the result is dimension `axes[i]` of `x`.
    pub fn permute(&mut self, x: NodeId, axes: &[usize]) -> Result<NodeId, ShapeError> {
        let node = self.node(x);
        if axes.iter().copied().eq(0..node.ty.shape.rank()) {
            return Ok(x);
        }
        if node.is(&PERMUTE) && axes.len() == node.ty.shape.rank() && axes.iter().all(|&a| a < axes.len()) {
            let (inner, source) = (node.attrs().get_axes("axes"), node.inputs[0]);
            let axes: Vec<usize> = axes.iter().map(|&a| inner[a]).collect();
            return self.permute(source, &axes);
        }
        self.apply(&PERMUTE, Attrs::new().axes("axes", axes), &[x])
    }

    /// The last two dimensions exchanged.
    pub fn transpose_last(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        let rank = self.shape(x).rank();
        if rank < 2 {
            let shape = self.shape(x);
            return Err(ShapeError::new(format!("cannot transpose {shape}: it has fewer than two dimensions")));
        }
        self.transpose(x, rank - 2, rank - 1)
    }

    /// Two dimensions exchanged.
    pub fn transpose(&mut self, x: NodeId, first: usize, second: usize) -> Result<NodeId, ShapeError> {
        let mut axes: Vec<usize> = (0..self.shape(x).rank()).collect();
        if let Some(axis) = [first, second].into_iter().find(|&a| a >= axes.len()) {
            return Err(ShapeError::new(format!("there is no dimension {axis} in {}", self.shape(x))));
        }
        axes.swap(first, second);
        self.permute(x, &axes)
    }

    /// Repeated to the shape `dims`.
    pub fn broadcast_to(&mut self, x: NodeId, dims: &[Dim]) -> Result<NodeId, ShapeError> {
        if self.shape(x).0 == dims {
            return Ok(x);
        }
        let mut source = self.broadcast_source(x).unwrap_or(x);
        let node = self.node(source);
        if node.is(&RESHAPE) && self.shape(node.inputs[0]).rank() == 0 {
            source = node.inputs[0];
        }
        self.apply(&BROADCAST_TO, Attrs::new().dims("dims", dims), &[source])
    }

    /// `length` elements along `axis`, from `start`.
    pub fn slice(&mut self, x: NodeId, axis: usize, start: &Dim, length: &Dim) -> Result<NodeId, ShapeError> {
        if start.is(0) && self.shape(x).0.get(axis) == Some(length) {
            return Ok(x);
        }
        if let Some(part) = self.part_of_concat(x, axis, start, length) {
            return Ok(part);
        }
        let one = std::slice::from_ref;
        self.apply(
            &SLICE,
            Attrs::new().int("axis", axis as i64).dims("start", one(start)).dims("length", one(length)),
            &[x],
        )
    }

    /// The input of a concatenation that a slice is exactly, if it is one.
    fn part_of_concat(&self, x: NodeId, axis: usize, start: &Dim, length: &Dim) -> Option<NodeId> {
        let node = self.node(x);
        if !node.is(&CONCAT) || node.attrs().get_usize("axis") != axis {
            return None;
        }
        let mut at = Dim::default();
        node.inputs.iter().copied().find(|&input| {
            let size = &self.shape(input).0[axis];
            let hit = at == *start && size == length;
            at = &at + size;
            hit
        })
    }

    /// Zeros along `axis` before and after.
    pub fn pad(&mut self, x: NodeId, axis: usize, before: &Dim, after: &Dim) -> Result<NodeId, ShapeError> {
        if before.is(0) && after.is(0) {
            return Ok(x);
        }
        let one = std::slice::from_ref;
        self.apply(
            &PAD,
            Attrs::new().int("axis", axis as i64).dims("before", one(before)).dims("after", one(after)),
            &[x],
        )
    }

    /// The sum of two padded tensors that lie side by side, as one concatenation: what the gradient of slices is.
    pub(super) fn join_pads(&mut self, a: NodeId, b: NodeId) -> Result<Option<NodeId>, ShapeError> {
        let (m, n) = (self.node(a), self.node(b));
        if !m.is(&PAD) || !n.is(&PAD) || m.ty != n.ty || m.attrs().get_usize("axis") != n.attrs().get_usize("axis") {
            return Ok(None);
        }
        let axis = m.attrs().get_usize("axis");
        let after = |x: NodeId| self.node(x).attrs().get_dim("after").clone();
        let rest = |x: NodeId| &after(x) + &self.shape(self.node(x).inputs[0]).0[axis];
        let (first, second) = match () {
            () if after(a) == rest(b) => (a, b),
            () if after(b) == rest(a) => (b, a),
            () => return Ok(None),
        };
        let before = self.node(first).attrs().get_dim("before").clone();
        let after = after(second);
        let parts = [self.node(first).inputs[0], self.node(second).inputs[0]];
        let joined = self.concat(&parts, axis)?;
        self.pad(joined, axis, &before, &after).map(Some)
    }

    /// All of `parts`, one behind the other along `axis`.
    pub fn concat(&mut self, parts: &[NodeId], axis: usize) -> Result<NodeId, ShapeError> {
        match parts {
            [x] => Ok(*x),
            _ => self.apply(&CONCAT, Attrs::new().int("axis", axis as i64), parts),
        }
    }

    /// All of `parts` along a new dimension.
    pub fn stack(&mut self, parts: &[NodeId], axis: usize) -> Result<NodeId, ShapeError> {
        let mut wide = Vec::with_capacity(parts.len());
        for &part in parts {
            let mut dims = self.shape(part).0.clone();
            if self.shape(part) != self.shape(parts[0]) {
                let (a, b) = (self.shape(parts[0]), self.shape(part));
                return Err(ShapeError::new(format!("cannot stack {a} and {b}: they must have the same shape")));
            }
            if axis > dims.len() {
                return Err(ShapeError::new(format!("cannot stack {} along dimension {axis}", self.shape(part))));
            }
            dims.insert(axis, Dim::from(1i64));
            wide.push(self.reshape(part, &dims)?);
        }
        self.concat(&wide, axis)
    }
}
