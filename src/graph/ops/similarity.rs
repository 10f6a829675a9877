//! Functions of the language that compare vectors.

use super::params::{POSITIVE, X, function};
use crate::catalog::{Param, ParamType};
use crate::graph::{Dim, Function, Graph, NodeId, ShapeError};

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[
    function(
        "normalize",
        &[
            X,
            Param::optional("dim", ParamType::Axis, "-1", "the dimension of the vectors"),
            Param::optional("eps", POSITIVE, "1e-12", "the least length that is divided by"),
        ],
        "x / max(|x|, eps)",
        "Vectors scaled to length 1.",
        |g, c| {
            let x = c.tensor("x")?;
            g.normalize(x, c.axis_of("dim", g, x)?, c.number("eps").unwrap_or(1e-12))
        },
    ),
    function(
        "cosine_similarity",
        PAIR,
        "[N, D], [N, D] -> [N]: x . y / (max(|x|, 1e-8) max(|y|, 1e-8))",
        "The cosine of the angle between corresponding rows.",
        |g, c| g.cosine_similarity(c.tensor("x")?, c.tensor("y")?),
    ),
    function("mse", PAIR, "mean((x - y)^2)", "The mean squared error over all elements.", |g, c| {
        let difference = g.sub(c.tensor("x")?, c.tensor("y")?)?;
        let square = g.square(difference)?;
        g.mean_all(square)
    }),
    function(
        "smooth_l1",
        &[X, Y, Param::optional("beta", POSITIVE, "1", "where the parabola becomes a line")],
        "mean(0.5 d^2 / beta if |d| < beta else |d| - 0.5 beta), d = x - y",
        "A squared error near 0 and an absolute error far from it, over all elements (Girshick 2015).",
        |g, c| g.smooth_l1(c.tensor("x")?, c.tensor("y")?, c.number("beta").unwrap_or(1.0)),
    ),
    function(
        "squared_distance",
        ROWS,
        "[N, D], [M, D] -> [N, M]: |x_i - y_j|^2",
        "The squared Euclidean distance of every row of one to every row of the other.",
        |g, c| g.squared_distance(c.tensor("x")?, c.tensor("y")?),
    ),
    function(
        "pairwise_distance",
        ROWS,
        "[N, D], [M, D] -> [N, M]: |x_i - y_j|",
        "The Euclidean distance of every row of one to every row of the other; its gradient at 0 is 0.",
        |g, c| g.pairwise_distance(c.tensor("x")?, c.tensor("y")?),
    ),
];

const Y: Param = Param::required("y", ParamType::Tensor, "a tensor of the same shape");
const PAIR: &[Param] = &[X, Y];
const ROWS: &[Param] =
    &[Param::required("x", ParamType::Tensor, "`[N, D]`"), Param::required("y", ParamType::Tensor, "`[M, D]`")];

impl Graph {
    /// Vectors along `axis` scaled to length 1; those shorter than `eps` are divided by `eps`.
    pub fn normalize(&mut self, x: NodeId, axis: usize, eps: f64) -> Result<NodeId, ShapeError> {
        let square = self.square(x)?;
        let sum = self.sum(square, &[axis], true)?;
        // Bounded before the root, so that the gradient at 0 is that of x / eps and not 0 / 0.
        let bounded = self.clamp(sum, eps * eps, f64::INFINITY)?;
        let length = self.sqrt(bounded)?;
        let inverse = self.recip(length)?;
        self.mul(x, inverse)
    }

    /// The cosine between corresponding vectors along the last dimension.
    pub fn cosine_similarity(&mut self, x: NodeId, y: NodeId) -> Result<NodeId, ShapeError> {
        let (a, b) = (self.shape(x), self.shape(y));
        if a != b || a.rank() == 0 {
            return Err(ShapeError::new(format!(
                "`cosine_similarity` takes two tensors of one shape, not {a} and {b}"
            )));
        }
        let last = a.rank() - 1;
        let x = self.normalize(x, last, 1e-8)?;
        let y = self.normalize(y, last, 1e-8)?;
        let product = self.mul(x, y)?;
        self.sum(product, &[last], false)
    }

    /// The mean of a parabola within `beta` and a line outside.
    pub fn smooth_l1(&mut self, x: NodeId, y: NodeId, beta: f64) -> Result<NodeId, ShapeError> {
        let difference = self.sub(x, y)?;
        let far = self.abs(difference)?;
        if beta == 0.0 {
            return self.mean_all(far);
        }
        let square = self.square(difference)?;
        let parabola = self.scale(square, 0.5 / beta)?;
        let (offset, beta) = (self.constant(-0.5 * beta), self.constant(beta));
        let line = self.add(far, offset)?;
        let near = self.less(far, beta)?;
        let error = self.select(near, parabola, line)?;
        self.mean_all(error)
    }

    /// `|x_i - y_j|^2`, as `|x_i|^2 + |y_j|^2 - 2 x_i . y_j`, at least 0.
    pub fn squared_distance(&mut self, x: NodeId, y: NodeId) -> Result<NodeId, ShapeError> {
        let (a, b) = (self.shape(x), self.shape(y));
        if a.rank() != 2 || b.rank() != 2 || a.0[1] != b.0[1] {
            return Err(ShapeError::new(format!("distances need vectors [N, D] and [M, D], not {a} and {b}")));
        }
        let rows = b.0[0].clone();
        let (x_square, y_square) = (self.square(x)?, self.square(y)?);
        let x_length = self.sum(x_square, &[1], true)?;
        let y_length = self.sum(y_square, &[1], false)?;
        let y_length = self.reshape(y_length, &[Dim::from(1i64), rows])?;
        let product = self.product(x, y, false, true)?;
        let product = self.scale(product, -2.0)?;
        let sum = self.add(product, x_length)?;
        let sum = self.add(sum, y_length)?;
        self.clamp(sum, 0.0, f64::INFINITY)
    }

    /// `|x_i - y_j|`, with gradient 0 where it is 0.
    pub fn pairwise_distance(&mut self, x: NodeId, y: NodeId) -> Result<NodeId, ShapeError> {
        let square = self.squared_distance(x, y)?;
        let (zero, one) = (self.constant(0.0), self.constant(1.0));
        let apart = self.less(zero, square)?;
        let safe = self.select(apart, square, one)?;
        let root = self.sqrt(safe)?;
        self.select(apart, root, zero)
    }
}
