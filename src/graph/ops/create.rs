//! Tensors made of nothing but a size.

use super::params::{NUMBER, function};
use super::{bounds, samples};
use crate::catalog::{Param, ParamType};
use crate::graph::{
    Attrs, Call, Cost, DType, Dim, Function, GradRule, Graph, NodeId, Operation, Shape, ShapeError, TensorType, Values,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&ARANGE];

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[
    function("arange", COUNT, "[0, 1, .., n - 1]", "The whole numbers below `n`, as labels of rows.", |g, c| {
        Ok(g.arange(&c.size("n")?))
    }),
    function("eye", COUNT, "1 if i = j, else 0", "The identity matrix, `[n, n]`.", |g, c| g.eye(&c.size("n")?)),
    function(
        "one_hot",
        &[
            Param::required("labels", ParamType::Tensor, "whole numbers from 0, below `n`; others are an error"),
            Param::required("n", ParamType::Dims, "how many classes there are"),
        ],
        "[N] -> [N, n]: 1 if j = labels[i], else 0",
        "Labels as rows with a single 1.",
        |g, c| g.one_hot(c.tensor("labels")?, &c.size("n")?),
    ),
    function(
        "linspace",
        &[Param::required("first", NUMBER, "the first number"), Param::required("last", NUMBER, "the last number"), N],
        "first + i (last - first) / (n - 1)",
        "Numbers at equal distances, both ends included.",
        linspace,
    ),
    function("zeros", FILLED, "0", "Zeros.", |g, c| g.full(0.0, c.dims("shape"))),
    function("ones", FILLED, "1", "Ones.", |g, c| g.full(1.0, c.dims("shape"))),
];

const N: Param = Param::required("n", ParamType::Dims, "how many");
const COUNT: &[Param] = &[N];
const FILLED: &[Param] = &[Param::required("shape", ParamType::Dims, "the dimensions")];

/// The whole numbers from 0 to `length[0]`, without the last.
pub static ARANGE: Operation = Operation {
    name: "arange",
    infer: infer_arange,
    grad: GradRule::Stops,
    cost: Cost::Free,
    samples: samples::of_size,
    values: Values::UNKNOWN.bounds(bounds::from_zero),
    in_place: false,
};

fn infer_arange(attrs: &Attrs, _: &[&TensorType]) -> Result<TensorType, ShapeError> {
    Ok(TensorType::int(Shape(attrs.get_dims("length").to_vec())))
}

fn linspace(g: &mut Graph, c: &Call) -> Result<NodeId, ShapeError> {
    let (first, last) = (c.number("first").unwrap_or(0.0), c.number("last").unwrap_or(0.0));
    let n = c.size("n")?;
    let (places, start) = (g.arange(&n), g.constant(first));
    if n.is(1) {
        return g.broadcast_to(start, &[n]);
    }
    let (range, one) = (g.constant(last - first), g.constant(1.0));
    let mut gaps = g.dimension(&(&n - &Dim::from(1i64)));
    if n.constant().is_none() {
        // It may turn out to be one number, with no gap.
        gaps = g.maximum(gaps, one)?;
    }
    let step = g.div(range, gaps)?;
    let offset = g.mul(places, step)?;
    let numbers = g.add(offset, start)?;
    // Whole steps make no whole numbers of them: nothing here is a label.
    if g.ty(numbers).dtype == DType::Int { g.stopgrad(numbers) } else { Ok(numbers) }
}

impl Graph {
    /// `[0, 1, .., length - 1]`
    pub fn arange(&mut self, length: &Dim) -> NodeId {
        self.apply(&ARANGE, Attrs::new().dims("length", std::slice::from_ref(length)), &[])
            .expect("a range takes no input")
    }

    /// The number `value` in every place.
    pub fn full(&mut self, value: f64, dims: &[Dim]) -> Result<NodeId, ShapeError> {
        let value = self.constant(value);
        self.broadcast_to(value, dims)
    }

    /// The identity matrix, as truth values.
    pub fn eye(&mut self, size: &Dim) -> Result<NodeId, ShapeError> {
        let columns = self.arange(size);
        let rows = self.reshape(columns, &[size.clone(), Dim::from(1i64)])?;
        self.equal(rows, columns)
    }

    /// Ones at the place that `labels` name, along a new last dimension of `classes`; a label that is none of them is an error.
    pub fn one_hot(&mut self, labels: NodeId, classes: &Dim) -> Result<NodeId, ShapeError> {
        let labels = self.class_label(labels, classes)?;
        self.ones_at(labels, classes)
    }

    /// Ones at the place that a number names, along a new last dimension of `length`; nothing where there is no such place.
    pub(super) fn ones_at(&mut self, places: NodeId, length: &Dim) -> Result<NodeId, ShapeError> {
        let mut dims = self.shape(places).0.clone();
        dims.push(Dim::from(1i64));
        let (places, all) = (self.reshape(places, &dims)?, self.arange(length));
        self.equal(places, all)
    }
}
