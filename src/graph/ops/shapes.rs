//! Functions of the language that change shapes and take tensors apart and together.

use super::params::{X, function};
use crate::catalog::{Param, ParamType};
use crate::graph::{Call, Dim, Function, Graph, NodeId, ShapeError};

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[
    function(
        "reshape",
        &[X, Param::required("shape", ParamType::Dims, "the new dimensions; one of them may be -1: what is left")],
        "[2N, D] -> [N, 2, D]",
        "The same elements in another shape, in row-major order.",
        |g, c| reshape(g, c.tensor("x")?, c.dims("shape")),
    ),
    function("flatten", &[X], "[N, H, W, C] -> [N, H W C]", "All dimensions but the first in one.", |g, c| {
        let x = c.tensor("x")?;
        let [first, rest @ ..] = &g.shape(x).0[..] else {
            return Err(ShapeError::new("`flatten` takes a batch, not a scalar"));
        };
        let dims = [first.clone(), Dim::product(rest)];
        g.reshape(x, &dims)
    }),
    function(
        "transpose",
        &[
            X,
            Param::optional("first", ParamType::Axis, "-2", "a dimension"),
            Param::optional("second", ParamType::Axis, "-1", "the dimension it changes places with"),
        ],
        "y[i][j] = x[j][i]",
        "Exchanges two dimensions; the last two are also exchanged by `x.T`.",
        |g, c| {
            let x = c.tensor("x")?;
            if g.shape(x).rank() < 2 {
                return g.transpose_last(x);
            }
            g.transpose(x, c.axis_of("first", g, x)?, c.axis_of("second", g, x)?)
        },
    ),
    function(
        "slice",
        &[
            X,
            Param::optional("dim", ParamType::Axis, "0", "the dimension to cut"),
            Param::optional("from", ParamType::Dims, "0", "the first index; negative from the end"),
            Param::optional("to", ParamType::Dims, "none", "one past the last index; negative from the end"),
        ],
        "x[from..to]",
        "A part of a tensor along one dimension; rows are also cut by `x[from..to]`.",
        |g, c| {
            let x = c.tensor("x")?;
            let axis = c.axis_of("dim", g, x)?;
            let size = g.shape(x).0[axis].clone();
            let from = bound(c, "from", &size)?.unwrap_or_default();
            let to = bound(c, "to", &size)?.unwrap_or(size);
            g.slice(x, axis, &from, &(&to - &from))
        },
    ),
    function(
        "concat",
        &[PARTS, Param::optional("dim", ParamType::Axis, "0", "the dimension along which they are joined")],
        "[N, D], [M, D] -> [N + M, D]",
        "Tensors one behind the other.",
        |g, c| {
            let parts = c.tensors("tensors");
            let first = *parts.first().ok_or_else(|| ShapeError::new("`concat` takes at least one tensor"))?;
            g.concat(&parts, c.axis_of("dim", g, first)?)
        },
    ),
    function(
        "stack",
        &[PARTS, Param::optional("dim", ParamType::Axis, "0", "where the new dimension goes")],
        "k times [N, D] -> [k, N, D]",
        "Tensors of one shape along a new dimension.",
        |g, c| {
            let parts = c.tensors("tensors");
            let first = *parts.first().ok_or_else(|| ShapeError::new("`stack` takes at least one tensor"))?;
            let axis = c.axis("dim", g.shape(first).rank() + 1)?.unwrap_or(0);
            g.stack(&parts, axis)
        },
    ),
    function("diagonal", &[SQUARE], "[N, N] -> [N]: x[i][i]", "The diagonal of a square matrix.", |g, c| {
        g.diagonal(c.tensor("x")?)
    }),
    function(
        "off_diagonal",
        &[SQUARE],
        "x[i][j] if i != j, else 0",
        "A square matrix with zeros on its diagonal; has the same shape, so take `sum`, not `mean`.",
        |g, c| g.off_diagonal(c.tensor("x")?),
    ),
];

const PARTS: Param = Param::variadic("tensors", ParamType::Tensor, "what is joined");
const SQUARE: Param = Param::required("x", ParamType::Tensor, "a square matrix");

/// A reshape in which one dimension may be -1.
fn reshape(g: &mut Graph, x: NodeId, dims: &[Dim]) -> Result<NodeId, ShapeError> {
    let Some(open) = dims.iter().position(|d| d.is(-1)) else { return g.reshape(x, dims) };
    let shape = g.shape(x);
    let known = Dim::product(dims.iter().enumerate().filter(|(i, _)| *i != open).map(|(_, d)| d));
    let rest = shape.count().divide(&known).filter(|d| !d.is(-1)).ok_or_else(|| {
        ShapeError::new(format!("cannot reshape {shape}: {} elements do not divide by {known}", shape.count()))
    })?;
    let mut dims = dims.to_vec();
    dims[open] = rest;
    g.reshape(x, &dims)
}

/// A bound of a slice, counted from the front; `None` when left out.
fn bound(c: &Call, name: &str, size: &Dim) -> Result<Option<Dim>, ShapeError> {
    match c.dims(name) {
        [] => Ok(None),
        [at] if at.constant().is_some_and(|n| n < 0) => Ok(Some(size + at)),
        [at] => Ok(Some(at.clone())),
        _ => Err(ShapeError::new(format!("`{name}` must be one index"))),
    }
}

impl Graph {
    /// The diagonal of a square matrix.
    pub fn diagonal(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        let size = self.square_size(x, "diagonal")?;
        let places = self.arange(&size);
        let places = self.reshape(places, &[size.clone(), Dim::from(1i64)])?;
        let column = self.gather(x, places, 1)?;
        self.reshape(column, &[size])
    }

    /// A square matrix with zeros on its diagonal.
    pub fn off_diagonal(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        let size = self.square_size(x, "off_diagonal")?;
        let (eye, zero) = (self.eye(&size)?, self.constant(0.0));
        self.select(eye, zero, x)
    }

    fn square_size(&self, x: NodeId, name: &str) -> Result<Dim, ShapeError> {
        match &self.shape(x).0[..] {
            [rows, columns] if rows == columns => Ok(rows.clone()),
            _ => Err(ShapeError::new(format!("`{name}` takes a square matrix, not {}", self.shape(x)))),
        }
    }
}
