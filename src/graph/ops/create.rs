//! Tensors made of nothing but a size.

use crate::graph::{Attrs, Cost, Dim, GradRule, Graph, NodeId, Operation, Shape, ShapeError, TensorType};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&ARANGE];

/// The whole numbers from 0 to `length[0]`, without the last.
pub static ARANGE: Operation =
    Operation { name: "arange", infer: infer_arange, grad: GradRule::Stops, cost: Cost::Free };

fn infer_arange(attrs: &Attrs, _: &[&TensorType]) -> Result<TensorType, ShapeError> {
    Ok(TensorType::int(Shape(attrs.get_dims("length").to_vec())))
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

    /// Ones at the place that `labels` name, along a new last dimension of `classes`.
    pub fn one_hot(&mut self, labels: NodeId, classes: &Dim) -> Result<NodeId, ShapeError> {
        let mut dims = self.shape(labels).0.clone();
        dims.push(Dim::from(1i64));
        let (labels, classes) = (self.reshape(labels, &dims)?, self.arange(classes));
        self.equal(labels, classes)
    }
}
