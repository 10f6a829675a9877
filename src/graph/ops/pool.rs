//! Pooling of channels-last images over square windows.

use super::samples;
use super::window::{Window, image};
use crate::graph::{
    Attrs, Backward, Cost, Dim, GradRule, Graph, Linear, NodeId, Operation, Shape, ShapeError, TensorType, Values, Zero,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&MAX_POOL, &MAX_POOL_GRAD, &AVG_POOL, &AVG_POOL_GRAD];

/// `x [N, H, W, C] -> [N, H', W', C]`, the largest of each window; padding never wins; `kernel`, `stride`, `padding`.
pub static MAX_POOL: Operation = Operation {
    name: "max_pool",
    infer: |attrs, inputs| infer("max_pool", attrs, inputs),
    grad: GradRule::Rule(max_gradient),
    cost: Cost::Rule(flops),
    samples: samples::by_first,
    values: Values::UNKNOWN.bounds(|b| b.first()).zero(Zero::WithFirst),
    in_place: false,
};

/// `x [N, H, W, C], dy [N, H', W', C] -> [N, H, W, C]`: each `dy` goes to the first of the largest of its window.
pub static MAX_POOL_GRAD: Operation = Operation {
    name: "max_pool_grad",
    infer: like_first,
    grad: GradRule::Stops,
    cost: Cost::Rule(grad_flops),
    samples: samples::unasked,
    values: Values::UNKNOWN,
    in_place: false,
};

/// `x [N, H, W, C] -> [N, H', W', C]`, the mean of each window, padding counted as zeros; `kernel`, `stride`, `padding`.
pub static AVG_POOL: Operation = Operation {
    name: "avg_pool",
    infer: |attrs, inputs| infer("avg_pool", attrs, inputs),
    grad: GradRule::Rule(avg_gradient),
    cost: Cost::Rule(flops),
    samples: samples::by_first,
    values: Values::UNKNOWN.zero(Zero::WithFirst).linear(Linear::Jointly),
    in_place: false,
};

/// `dy [N, H', W', C] -> input`: each `dy`, divided by the size of the window, goes to all of it; `input` gives the result's dimensions.
pub static AVG_POOL_GRAD: Operation = Operation {
    name: "avg_pool_grad",
    infer: |attrs, _| Ok(TensorType::float(Shape(attrs.get_dims("input").to_vec()))),
    grad: GradRule::Stops,
    cost: Cost::Rule(grad_flops),
    samples: samples::unasked,
    values: Values::UNKNOWN,
    in_place: false,
};

impl Graph {
    /// The largest value of each window of images `[N, H, W, C]`.
    pub fn max_pool(&mut self, x: NodeId, window: Window) -> Result<NodeId, ShapeError> {
        self.apply(&MAX_POOL, window.attrs(), &[x])
    }

    /// The mean of each window of images `[N, H, W, C]`, padding counted as zeros.
    pub fn avg_pool(&mut self, x: NodeId, window: Window) -> Result<NodeId, ShapeError> {
        self.apply(&AVG_POOL, window.attrs(), &[x])
    }
}

fn infer(op: &str, attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let window = Window::of(attrs);
    let shape = &inputs[0].shape;
    let [n, height, width, channels] = image(op, shape)?;
    if 2 * window.padding > window.kernel {
        let message = format!("{op}: padding {} is more than half the kernel {}", window.padding, window.kernel);
        return Err(ShapeError::new(message).help("a window must hold at least one pixel of the image"));
    }
    let [rows, columns] = [window.positions(op, height, shape)?, window.positions(op, width, shape)?];
    Ok(TensorType::float(Shape(vec![n.clone(), rows, columns, channels.clone()])))
}

fn like_first(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    Ok(inputs[0].clone())
}

fn max_gradient(b: &mut Backward) -> Result<Vec<Option<NodeId>>, ShapeError> {
    let attrs = Window::of(b.attrs).attrs();
    Ok(vec![Some(b.graph.apply(&MAX_POOL_GRAD, attrs, &[b.inputs[0], b.grad])?)])
}

fn avg_gradient(b: &mut Backward) -> Result<Vec<Option<NodeId>>, ShapeError> {
    let input = b.graph.shape(b.inputs[0]).0.clone();
    let attrs = Window::of(b.attrs).attrs().dims("input", &input);
    Ok(vec![Some(b.graph.apply(&AVG_POOL_GRAD, attrs, &[b.grad])?)])
}

/// One operation for each pixel of each window.
fn flops(attrs: &Attrs, _: &[&TensorType], out: &TensorType) -> Dim {
    let window = attrs.get_int("kernel").pow(2);
    &Dim::from(window) * &out.shape.count()
}

fn grad_flops(attrs: &Attrs, inputs: &[&TensorType], _: &TensorType) -> Dim {
    flops(attrs, &[], inputs[inputs.len() - 1])
}
