//! Functions of the language that reduce: sums, means, variances, extremes.

use super::params::{DIM, KEEPDIM, POSITIVE, UNBIASED, X, function};
use crate::catalog::{Param, ParamType};
use crate::graph::{Call, Dim, Function, Graph, NodeId, ShapeError};

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[
    function("sum", REDUCED, "sum_i x_i", "The sum over dimensions, or over everything.", |g, c| {
        let (x, axes) = c.reduced(g)?;
        g.sum(x, &axes, c.bool("keepdim"))
    }),
    function("mean", REDUCED, "(1/n) sum_i x_i", "The mean over dimensions, or over everything.", |g, c| {
        let (x, axes) = c.reduced(g)?;
        g.mean(x, &axes, c.bool("keepdim"))
    }),
    function("max", REDUCED, "max_i x_i", "The largest element; the first of them gets the gradient.", |g, c| {
        let (x, axes) = c.reduced(g)?;
        g.max(x, &axes, c.bool("keepdim"))
    }),
    function("min", REDUCED, "min_i x_i", "The smallest element; the first of them gets the gradient.", |g, c| {
        let (x, axes) = c.reduced(g)?;
        g.min(x, &axes, c.bool("keepdim"))
    }),
    function(
        "var",
        &[X, DIM, UNBIASED, KEEPDIM],
        "sum_i (x_i - mean x)^2 / (n - 1)",
        "The variance; with `unbiased: false` divided by n.",
        |g, c| {
            let (x, axes) = c.reduced(g)?;
            g.variance(x, &axes, c.bool("unbiased"), c.bool("keepdim"))
        },
    ),
    function(
        "std",
        &[X, DIM, UNBIASED, KEEPDIM],
        "sqrt(var(x))",
        "The standard deviation; its gradient is infinite where it is 0, so add a small number to `var` in losses.",
        |g, c| {
            let (x, axes) = c.reduced(g)?;
            let variance = g.variance(x, &axes, c.bool("unbiased"), c.bool("keepdim"))?;
            g.sqrt(variance)
        },
    ),
    function("argmax", INDEXED, "argmax_i x_i", "The index of the first of the largest elements.", |g, c| {
        let x = c.tensor("x")?;
        arg_extreme(g, c, x)
    }),
    function("argmin", INDEXED, "argmin_i x_i", "The index of the first of the smallest elements.", |g, c| {
        let x = g.neg(c.tensor("x")?)?;
        arg_extreme(g, c, x)
    }),
    function(
        "cumsum",
        &[X, Param::required("dim", ParamType::Axis, "the dimension to run along")],
        "y_i = sum_(j <= i) x_j",
        "The running sum along a dimension.",
        |g, c| {
            let x = c.tensor("x")?;
            g.cumsum(x, c.axis_of("dim", g, x)?)
        },
    ),
    function(
        "covariance",
        &[Param::required("x", ParamType::Tensor, "a batch of vectors, `[N, D]`"), UNBIASED],
        "[N, D] -> [D, D]: (x - mean x)^T (x - mean x) / (N - 1)",
        "The covariance of the columns over the batch.",
        |g, c| g.covariance(c.tensor("x")?, c.bool("unbiased")),
    ),
    function(
        "standardize",
        &[
            Param::required("x", ParamType::Tensor, "a batch, `[N, ..]`"),
            Param::optional("eps", POSITIVE, "1e-5", "added to the variance"),
        ],
        "(x - mean x) / sqrt(var x + eps)",
        "Batch norm without scale and shift: over the first dimension, with the biased variance.",
        |g, c| g.standardize(c.tensor("x")?, c.number("eps").unwrap_or(1e-5)),
    ),
];

const REDUCED: &[Param] = &[X, DIM, KEEPDIM];
const INDEXED: &[Param] = &[
    X,
    Param::optional("dim", ParamType::Axis, "none", "the dimension to reduce; all, flattened, when left out"),
    KEEPDIM,
];

fn arg_extreme(g: &mut Graph, c: &Call, x: NodeId) -> Result<NodeId, ShapeError> {
    match c.axis("dim", g.shape(x).rank())? {
        Some(axis) => g.argmax(x, axis, c.bool("keepdim")),
        None => {
            let flat = g.reshape(x, &[g.shape(x).count()])?;
            g.argmax(flat, 0, false)
        }
    }
}

impl Graph {
    /// The variance over `axes`.
    pub fn variance(&mut self, x: NodeId, axes: &[usize], unbiased: bool, keepdim: bool) -> Result<NodeId, ShapeError> {
        // The gradient through the mean is exactly 0, so it is not computed.
        let mean = self.mean(x, axes, true)?;
        let mean = self.stopgrad(mean)?;
        let centred = self.sub(x, mean)?;
        let square = self.square(centred)?;
        let sum = self.sum(square, axes, keepdim)?;
        let freedom = self.freedom(x, axes, unbiased)?;
        self.div(sum, freedom)
    }

    /// The covariance of the columns of `[N, D]`.
    pub fn covariance(&mut self, x: NodeId, unbiased: bool) -> Result<NodeId, ShapeError> {
        if self.shape(x).rank() != 2 {
            return Err(ShapeError::new(format!(
                "`covariance` takes a batch of vectors [N, D], not {}",
                self.shape(x)
            )));
        }
        // As for the variance, nothing flows through the mean.
        let mean = self.mean(x, &[0], true)?;
        let mean = self.stopgrad(mean)?;
        let centred = self.sub(x, mean)?;
        let product = self.product(centred, centred, true, false)?;
        let freedom = self.freedom(x, &[0], unbiased)?;
        self.div(product, freedom)
    }

    /// Batch norm without scale and shift.
    pub fn standardize(&mut self, x: NodeId, eps: f64) -> Result<NodeId, ShapeError> {
        if self.shape(x).rank() == 0 {
            return Err(ShapeError::new("`standardize` takes a batch, not a scalar"));
        }
        let mean = self.mean(x, &[0], true)?;
        let centred = self.sub(x, mean)?;
        let square = self.square(centred)?;
        let variance = self.mean(square, &[0], true)?;
        let eps = self.constant(eps);
        let variance = self.add(variance, eps)?;
        let deviation = self.sqrt(variance)?;
        let inverse = self.recip(deviation)?;
        self.mul(centred, inverse)
    }

    /// What a sum of squares over `axes` is divided by.
    fn freedom(&mut self, x: NodeId, axes: &[usize], unbiased: bool) -> Result<NodeId, ShapeError> {
        let count = self.count_along(x, axes);
        let freedom = &count - &Dim::from(i64::from(unbiased));
        if freedom.constant().is_some_and(|n| n <= 0) {
            return Err(ShapeError::new(format!("the unbiased variance of {count} element(s) is not defined"))
                .help("reduce another dimension, or say `unbiased: false`"));
        }
        Ok(self.dimension(&freedom))
    }
}
