//! Elements chosen by index, and sorting.

use super::params::{X, function};
use super::rules::{Grads, axis};
use super::{bounds, samples};
use crate::catalog::{Param, ParamType};
use crate::graph::{
    Attrs, Backward, Cost, Dim, Function, GradRule, Graph, Linear, NodeId, Operation, Shape, ShapeError, TensorType,
    Values, Zero,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&GATHER, &SCATTER_ADD, &ARGSORT];

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[
    function(
        "gather",
        &[X, Param::required("index", ParamType::Tensor, "whole numbers, of the shape of `x` but along `dim`"), ALONG],
        "y[i][j] = x[i][index[i][j]] (for dim 1)",
        "Chooses elements along a dimension, as `torch.gather` does.",
        |g, c| {
            let x = c.tensor("x")?;
            g.gather(x, c.tensor("index")?, c.axis_of("dim", g, x)?)
        },
    ),
    function(
        "index_select",
        &[X, Param::required("index", ParamType::Tensor, "whole numbers, `[M]`"), FIRST],
        "y[i] = x[index[i]] (for dim 0)",
        "Chooses whole rows, or slices along another dimension.",
        |g, c| {
            let x = c.tensor("x")?;
            g.index_select(x, c.tensor("index")?, c.axis_of("dim", g, x)?)
        },
    ),
    function(
        "sort",
        &[X, LAST, DESCENDING],
        "x in ascending order",
        "The elements in order; equal ones keep theirs.",
        |g, c| {
            let x = c.tensor("x")?;
            let axis = c.axis_of("dim", g, x)?;
            let order = g.argsort(x, axis, c.bool("descending"))?;
            g.gather(x, order, axis)
        },
    ),
    function(
        "argsort",
        &[X, LAST, DESCENDING],
        "sort(x) = gather(x, argsort(x))",
        "Where the elements in order stand.",
        |g, c| {
            let x = c.tensor("x")?;
            g.argsort(x, c.axis_of("dim", g, x)?, c.bool("descending"))
        },
    ),
    function(
        "topk",
        &[X, Param::required("k", ParamType::Dims, "how many"), LAST],
        "the k largest of x, largest first",
        "The largest elements along a dimension.",
        |g, c| {
            let (x, k) = (c.tensor("x")?, c.size("k")?);
            let axis = c.axis_of("dim", g, x)?;
            let order = g.argsort(x, axis, true)?;
            let first = g.slice(order, axis, &Dim::default(), &k)?;
            g.gather(x, first, axis)
        },
    ),
];

const ALONG: Param = Param::required("dim", ParamType::Axis, "the dimension to choose along");
const FIRST: Param = Param::optional("dim", ParamType::Axis, "0", "the dimension to choose along");
const LAST: Param = Param::optional("dim", ParamType::Axis, "-1", "the dimension to sort along");
const DESCENDING: Param = Param::optional("descending", ParamType::Bool, "false", "whether the largest come first");

/// Of `x` and `index`: the elements of `x` that `index` names along `axis`; elsewhere both have the same shape.
pub static GATHER: Operation = Operation {
    name: "gather",
    infer: infer_gather,
    grad: GradRule::Rule(gather_grad),
    cost: Cost::Free,
    samples: samples::gather,
    values: Values::MOVED.zero(Zero::WithFirst),
    in_place: false,
};
/// Of `index` and `x`, of one shape: zeros with `length[0]` along `axis`, to which each element of `x` is added where
/// `index` says.
pub static SCATTER_ADD: Operation = Operation {
    name: "scatter_add",
    infer: infer_scatter,
    grad: GradRule::Rule(scatter_grad),
    cost: Cost::PerInput(1),
    samples: samples::scatter,
    values: Values::UNKNOWN.linear(Linear::Jointly),
    in_place: false,
};
/// Where the elements in order stand along `axis`, largest first with `descending`; stable, NaN counts as largest.
pub static ARGSORT: Operation = Operation {
    name: "argsort",
    infer: infer_argsort,
    grad: GradRule::Stops,
    cost: Cost::PerInput(1),
    samples: samples::along_axis,
    values: Values::UNKNOWN.bounds(bounds::from_zero),
    in_place: false,
};

/// Whether two shapes are the same but along `axis`.
fn alike(a: &Shape, b: &Shape, axis: usize) -> bool {
    a.rank() == b.rank() && (0..a.rank()).all(|i| i == axis || a.0[i] == b.0[i])
}

fn infer_gather(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let (x, index) = (&inputs[0].shape, &inputs[1].shape);
    let axis = axis(attrs, x)?;
    if alike(x, index, axis) {
        return Ok(TensorType { dtype: inputs[0].dtype, shape: index.clone() });
    }
    Err(ShapeError::new(format!("cannot gather from {x} by an index {index} along dimension {axis}"))
        .help(format!("the index must have the same dimensions but for dimension {axis}")))
}

fn infer_scatter(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let (index, x) = (&inputs[0].shape, &inputs[1].shape);
    let axis = axis(attrs, x)?;
    if index != x {
        return Err(ShapeError::new(format!("cannot scatter {x} by an index {index}: the shapes differ")));
    }
    let mut shape = x.clone();
    shape.0[axis] = attrs.get_dims("length")[0].clone();
    Ok(TensorType::float(shape))
}

fn infer_argsort(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    axis(attrs, &inputs[0].shape)?;
    Ok(TensorType::int(inputs[0].shape.clone()))
}

fn gather_grad(b: &mut Backward) -> Grads {
    let axis = b.attrs.get_usize("axis");
    let length = b.graph.shape(b.inputs[0]).0[axis].clone();
    Ok(vec![Some(b.graph.scatter_add(b.inputs[1], b.grad, axis, &length)?), None])
}

fn scatter_grad(b: &mut Backward) -> Grads {
    Ok(vec![None, Some(b.graph.gather(b.grad, b.inputs[0], b.attrs.get_usize("axis"))?)])
}

impl Graph {
    /// The elements of `x` that `index` names along `axis`.
    pub fn gather(&mut self, x: NodeId, index: NodeId, axis: usize) -> Result<NodeId, ShapeError> {
        self.apply(&GATHER, Attrs::new().int("axis", axis as i64), &[x, index])
    }

    /// The slices of `x` that the vector `index` names along `axis`.
    pub fn index_select(&mut self, x: NodeId, index: NodeId, axis: usize) -> Result<NodeId, ShapeError> {
        let [count] = &self.shape(index).0[..] else {
            let shape = self.shape(index);
            return Err(ShapeError::new(format!("the index of `index_select` must be a vector, not {shape}")));
        };
        let mut dims = self.shape(x).0.clone();
        let mut line = vec![Dim::from(1i64); dims.len()];
        (dims[axis], line[axis]) = (count.clone(), count.clone());
        let line = self.reshape(index, &line)?;
        let index = self.broadcast_to(line, &dims)?;
        self.gather(x, index, axis)
    }

    /// Zeros with `length` along `axis`, plus the elements of `x` where `index` says.
    pub fn scatter_add(&mut self, index: NodeId, x: NodeId, axis: usize, length: &Dim) -> Result<NodeId, ShapeError> {
        let attrs = Attrs::new().int("axis", axis as i64).dims("length", std::slice::from_ref(length));
        self.apply(&SCATTER_ADD, attrs, &[index, x])
    }

    /// Where the elements in order stand along `axis`.
    pub fn argsort(&mut self, x: NodeId, axis: usize, descending: bool) -> Result<NodeId, ShapeError> {
        self.apply(&ARGSORT, Attrs::new().int("axis", axis as i64).bool("descending", descending), &[x])
    }
}
