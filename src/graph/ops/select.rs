//! Choice between two tensors by a condition.

use super::rules::{Grads, broadcast_or_explain};
use super::{bounds, samples};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{
    Attrs, Backward, Cost, Function, GradRule, Graph, NodeId, Operation, ShapeError, TensorType, ValueKind, Values,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&SELECT];

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[Function {
    entry: Entry {
        name: "where",
        kind: Kind::Operation,
        params: &[
            Param::required("condition", ParamType::Tensor, "a comparison, or a tensor of zeros and ones"),
            Param::required("x", ParamType::Tensor, "the value where the condition holds"),
            Param::required("y", ParamType::Tensor, "the value elsewhere"),
        ],
        formula: "x if condition else y",
        doc: "Chooses between two tensors element by element.",
    },
    build: |g, c| g.select(c.tensor("condition")?, c.tensor("x")?, c.tensor("y")?),
}];

/// Of `condition`, `a` and `b`: `a` where the condition is not 0, else `b`; all three broadcast.
pub static SELECT: Operation = Operation {
    name: "select",
    infer,
    grad: GradRule::Rule(grad),
    cost: Cost::PerElement(1),
    samples: samples::each,
    values: Values::UNKNOWN.bounds(bounds::choice).kind(ValueKind::Chosen),
    in_place: true,
};

fn infer(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let values = broadcast_or_explain("choose between", &inputs[1].shape, &inputs[2].shape)?;
    let shape = broadcast_or_explain("use as condition and value", &inputs[0].shape, &values)?;
    let dtype = if inputs[1].dtype == inputs[2].dtype { inputs[1].dtype } else { crate::graph::DType::Float };
    Ok(TensorType { dtype, shape })
}

fn grad(b: &mut Backward) -> Grads {
    let zero = b.graph.constant(0.0);
    let mut grads = vec![None; 3];
    for i in [1, 2] {
        if b.needs[i] {
            let (x, y) = if i == 1 { (b.grad, zero) } else { (zero, b.grad) };
            let grad = b.graph.select(b.inputs[0], x, y)?;
            let shape = b.graph.shape(b.inputs[i]).clone();
            grads[i] = Some(b.graph.sum_to(grad, &shape)?);
        }
    }
    Ok(grads)
}

impl Graph {
    /// `a` where `condition` is not 0, else `b`.
    pub fn select(&mut self, condition: NodeId, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        let plain = [condition, a, b];
        let sources = plain.map(|x| self.broadcast_source(x).unwrap_or(x));
        let shape = |inputs: [NodeId; 3]| infer(&Attrs::new(), &inputs.map(|x| self.ty(x))).ok();
        let inputs = if shape(sources) == shape(plain) { sources } else { plain };
        self.apply(&SELECT, Attrs::new(), &inputs)
    }
}
