//! Operations that do the work of several at once. Recipes and gradient rules never make them: the compiler puts them in place of
//! what they do (`compile::fuse`), when nothing is left to differentiate.

use super::elementwise::same_shape;
use super::matmul;
use super::norm::infer_stats;
use super::samples;
use crate::graph::{Attrs, Cost, GradRule, Operation, Shape, ShapeError, TensorType, Values};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] =
    &[&BATCH_NORM_RELU, &BATCH_NORM_RELU_PARAM_GRAD, &BATCH_NORM_RELU_INPUT_GRAD, &LINEAR, &SUM_RELU_GRAD];

/// `x, stats` or `x, stats, gamma, beta`, and last of all `residual` if so told: `max(batch_norm(..) + residual, 0)`; `eps`.
pub static BATCH_NORM_RELU: Operation = fused("batch_norm_relu", same_shape, Cost::PerElement(6));

/// `x, stats, dy` or `x, stats, dy, gamma, beta -> [2, C]`: `batch_norm_param_grad` of the gradient of a `relu` of the batch norm,
/// given the gradient `dy` of its result; `eps`.
pub static BATCH_NORM_RELU_PARAM_GRAD: Operation = fused("batch_norm_relu_param_grad", infer_stats, Cost::PerInput(6));

/// `x, stats, dy, param_grad` or `x, stats, dy, param_grad, gamma, beta -> x`: `batch_norm_input_grad`, likewise.
pub static BATCH_NORM_RELU_INPUT_GRAD: Operation = fused("batch_norm_relu_input_grad", same_shape, Cost::PerElement(8));

/// `y, a, b -> y`: `relu_grad(y, a + b)`.
pub static SUM_RELU_GRAD: Operation =
    Operation { in_place: true, ..fused("sum_relu_grad", same_shape, Cost::PerElement(2)) };

/// `a, b, bias` and `residual` if so told: `matmul(a, b) + bias + residual` of two matrices, as a tensor of `shape`, through the
/// `activation` (`none`, `relu` or `gelu`); `ta` and `tb` as in `matmul`.
pub static LINEAR: Operation = fused("linear", infer_linear, Cost::Rule(matmul::flops));

const fn fused(
    name: &'static str,
    infer: fn(&Attrs, &[&TensorType]) -> Result<TensorType, ShapeError>,
    cost: Cost,
) -> Operation {
    Operation {
        name,
        infer,
        grad: GradRule::Stops,
        cost,
        samples: samples::unasked,
        values: Values::UNKNOWN,
        in_place: false,
    }
}

fn infer_linear(attrs: &Attrs, _: &[&TensorType]) -> Result<TensorType, ShapeError> {
    Ok(TensorType::float(Shape(attrs.get_dims("shape").to_vec())))
}
