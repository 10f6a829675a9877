//! Tables over the whole data set.

use super::params::function;
use crate::catalog::{Param, ParamType};
use crate::graph::{Dim, Function, Graph, InputKind, NodeId, Shape, ShapeError, TensorType};

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[function(
    "over_data",
    &[Param::required("x", ParamType::Tensor, "`[N, ..]`: something with a row for each sample of a batch")],
    "[N, ..] -> [samples, ..]",
    "The rows of all samples of the data set in its order, computed batch by batch as in training: with augmentation, by the \
     statistics of each batch, without a gradient. It stands inside of `refresh(...)`.",
    |g, c| g.over_data(c.tensor("x")?),
)];

impl Graph {
    /// The rows of `x` for all samples of the data set: an input that is gathered before it is read.
    pub fn over_data(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        let shape = self.shape(x);
        let Some((_, rest)) = shape.0.split_first().filter(|(rows, _)| **rows == Dim::batch()) else {
            return Err(ShapeError::new(format!("`over_data` needs a row for each sample [N, ..], this is {shape}")));
        };
        let shape = Shape(std::iter::once(Dim::samples()).chain(rest.iter().cloned()).collect());
        let ty = TensorType { dtype: self.ty(x).dtype, shape };
        Ok(self.input(&format!("over_data.{}", x.0), ty, InputKind::Table(x)))
    }
}
