//! Parameters that many functions share.

use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{Call, Dim, Function, Graph, NodeId, ShapeError};

/// Any number.
pub const NUMBER: ParamType = ParamType::Number { min: f64::NEG_INFINITY, max: f64::INFINITY };
/// A number above or at 0.
pub const POSITIVE: ParamType = ParamType::Number { min: 0.0, max: f64::INFINITY };
/// The tensor a function is of.
pub const X: Param = Param::required("x", ParamType::Tensor, "any tensor");
/// The dimensions to reduce.
pub const DIM: Param = Param::optional("dim", ParamType::Axes, "none", "the dimensions to reduce; all when left out");
/// Whether reduced dimensions stay.
pub const KEEPDIM: Param =
    Param::optional("keepdim", ParamType::Bool, "false", "whether reduced dimensions stay as dimensions of 1");
/// Which divisor a variance has.
pub const UNBIASED: Param = Param::optional(
    "unbiased",
    ParamType::Bool,
    "true",
    "whether to divide by the number of elements less one (Bessel's correction)",
);

/// A function of the language.
pub const fn function(
    name: &'static str,
    params: &'static [Param],
    formula: &'static str,
    doc: &'static str,
    build: fn(&mut Graph, &Call) -> Result<NodeId, ShapeError>,
) -> Function {
    Function { entry: Entry { name, kind: Kind::Operation, params, formula, doc }, build }
}

impl Call {
    /// The tensor `x` and the axes that `dim` names.
    pub(super) fn reduced(&self, g: &Graph) -> Result<(NodeId, Vec<usize>), ShapeError> {
        let x = self.tensor("x")?;
        let axes = self.axes("dim", g.shape(x).rank())?;
        Ok((x, axes))
    }

    /// The one axis of `x` that `name` names.
    pub(super) fn axis_of(&self, name: &str, g: &Graph, x: NodeId) -> Result<usize, ShapeError> {
        let axis = self.axis(name, g.shape(x).rank())?;
        axis.ok_or_else(|| ShapeError::new(format!("`{name}` must be one dimension")))
    }

    /// The one size that `name` gives.
    pub(super) fn size(&self, name: &str) -> Result<Dim, ShapeError> {
        match self.dims(name) {
            [size] if size.constant().is_none_or(|n| n >= 0) => Ok(size.clone()),
            [size] => Err(ShapeError::new(format!("`{name}` must not be negative, it is {size}"))),
            _ => Err(ShapeError::new(format!("`{name}` must be one size"))),
        }
    }
}
