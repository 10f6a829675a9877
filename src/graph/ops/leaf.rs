//! Leaves: parameters, inputs, states, scheduled scalars, constants and dimensions as numbers.

use super::samples;
use crate::graph::{Attrs, Cost, Dim, GradRule, Graph, NodeId, Operation, Shape, ShapeError, TensorType};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&PARAMETER, &INPUT, &STATE, &SCALAR, &CONSTANT, &DIMENSION];

/// Reads the parameter `id`.
pub static PARAMETER: Operation = leaf("parameter");
/// Reads the input `id`.
pub static INPUT: Operation = leaf("input");
/// Reads the state `id` as it stood before this step.
pub static STATE: Operation = leaf("state");
/// Reads the scheduled scalar `id`.
pub static SCALAR: Operation = leaf("scalar");
/// The scalar `value`.
pub static CONSTANT: Operation = leaf("constant");
/// The dimension `size[0]` as a scalar.
pub static DIMENSION: Operation = leaf("dimension");

const fn leaf(name: &'static str) -> Operation {
    Operation { name, infer: scalar, grad: GradRule::Stops, cost: Cost::Free, samples: samples::of_size }
}

/// Constants and dimensions are scalars, `whole` or real; the other leaves are given their type when they are made.
fn scalar(attrs: &Attrs, _: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let ty = if attrs.get_bool("whole") { TensorType::int } else { TensorType::float };
    Ok(ty(Shape::scalar()))
}

impl Graph {
    /// The scalar `value`.
    pub fn constant(&mut self, value: f64) -> NodeId {
        self.apply(&CONSTANT, Attrs::new().float("value", value), &[]).expect("a constant takes no input")
    }

    /// A dimension as a scalar.
    pub fn dimension(&mut self, size: &Dim) -> NodeId {
        match size.constant() {
            Some(n) => self.constant(n as f64),
            None => self
                .apply(&DIMENSION, Attrs::new().dims("size", std::slice::from_ref(size)), &[])
                .expect("a dimension takes no input"),
        }
    }

    /// A constant or dimension as a whole number, if it is one; so that labels plus a number are labels still.
    pub(super) fn whole(&mut self, x: NodeId) -> Option<NodeId> {
        let node = self.node(x);
        let whole = node.op == &DIMENSION || (node.op == &CONSTANT && node.attrs.get_float("value").fract() == 0.0);
        let (op, attrs) = (node.op, node.attrs.clone().bool("whole", true));
        whole.then(|| self.apply(op, attrs, &[]).expect("a number takes no input"))
    }
}
