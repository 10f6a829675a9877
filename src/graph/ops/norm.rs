//! Batch and layer normalisation over the channels-last layout, and their gradients.

use super::{bounds, samples};
use crate::graph::{
    Attrs, Backward, Cost, Dim, GradRule, Graph, NodeId, Operation, Shape, ShapeError, StateId, TensorType, Values,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[
    &CHANNEL_STATS,
    &BATCH_NORM,
    &BATCH_NORM_PARAM_GRAD,
    &BATCH_NORM_INPUT_GRAD,
    &RUNNING_AVERAGE,
    &LAYER_NORM,
    &LAYER_NORM_INPUT_GRAD,
    &LAYER_NORM_PARAM_GRAD,
];

/// `x [.., C] -> [2, C]`: mean and biased variance of each channel over all other dimensions.
///
/// It passes no gradient on: what a batch norm owes to its statistics is part of the gradient of `batch_norm`.
pub static CHANNEL_STATS: Operation = Operation {
    name: "channel_stats",
    infer: infer_stats,
    grad: GradRule::Stops,
    cost: Cost::PerInput(4),
    samples: samples::statistic,
    values: Values::UNKNOWN,
    in_place: false,
};

/// `x [.., C], stats [2, C] -> x` or `x, stats, gamma [C], beta [C] -> x`: `(x - mean) / sqrt(var + eps) * gamma + beta`.
///
/// With `frozen`, the statistics are constants; without, they are those of `x`, and the gradient flows through them
/// (Ioffe & Szegedy 2015, "Batch normalization").
pub static BATCH_NORM: Operation = Operation {
    name: "batch_norm",
    infer: infer_batch,
    grad: GradRule::Rule(batch_gradient),
    cost: Cost::PerElement(4),
    samples: samples::by_channel,
    values: Values::UNKNOWN.bounds(bounds::both_signs),
    in_place: false,
};

/// `x [.., C], stats [2, C], dy -> [2, C]`: the gradients by gamma (first row) and beta (second row); `eps`.
pub static BATCH_NORM_PARAM_GRAD: Operation = Operation {
    name: "batch_norm_param_grad",
    infer: infer_stats,
    grad: GradRule::Stops,
    cost: Cost::PerInput(4),
    samples: samples::unasked,
    values: Values::UNKNOWN,
    in_place: false,
};

/// `x, stats, dy, param_grad -> x` or `x, stats, dy, param_grad, gamma -> x`: the gradient by `x`, that through the
/// statistics included: `gamma / sqrt(var + eps) * (dy - (dbeta + xhat * dgamma) / count)`; `eps`, and `count[0]`, over how many rows the
/// statistics are taken.
pub static BATCH_NORM_INPUT_GRAD: Operation = Operation {
    name: "batch_norm_input_grad",
    infer: like_first,
    grad: GradRule::Stops,
    cost: Cost::PerElement(6),
    samples: samples::unasked,
    values: Values::UNKNOWN,
    in_place: false,
};

/// `old [C], stats [2, C] -> [C]`: `(1 - momentum) * old + momentum * stats[row] * count / (count - 1)` for the variance
/// (`row` 1, made unbiased by the `count[0]` of values it is taken over), without that factor for the mean (`row` 0).
pub static RUNNING_AVERAGE: Operation = Operation {
    name: "running_average",
    infer: like_first,
    grad: GradRule::Stops,
    cost: Cost::PerElement(4),
    samples: samples::statistic,
    values: Values::UNKNOWN,
    in_place: false,
};

/// `x [.., C] -> x` or `x, gamma [C], beta [C] -> x`: each row over the last dimension to mean 0 and variance 1, then
/// scaled and shifted; `eps` (Ba et al. 2016, "Layer normalization").
pub static LAYER_NORM: Operation = Operation {
    name: "layer_norm",
    infer: infer_layer,
    grad: GradRule::Rule(layer_gradient),
    cost: Cost::PerElement(8),
    samples: samples::along_last,
    values: Values::UNKNOWN.bounds(bounds::both_signs),
    in_place: false,
};

/// `x, dy -> x` or `x, dy, gamma -> x`: the gradient by `x`; `eps`.
pub static LAYER_NORM_INPUT_GRAD: Operation = Operation {
    name: "layer_norm_input_grad",
    infer: like_first,
    grad: GradRule::Stops,
    cost: Cost::PerElement(12),
    samples: samples::unasked,
    values: Values::UNKNOWN,
    in_place: false,
};

/// `x [.., C], dy -> [2, C]`: the gradients by gamma (first row) and beta (second row); `eps`.
pub static LAYER_NORM_PARAM_GRAD: Operation = Operation {
    name: "layer_norm_param_grad",
    infer: infer_stats,
    grad: GradRule::Stops,
    cost: Cost::PerInput(8),
    samples: samples::unasked,
    values: Values::UNKNOWN,
    in_place: false,
};

impl Graph {
    /// Mean and biased variance of each channel of `[.., C]`, as `[2, C]`.
    pub fn channel_stats(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        self.apply(&CHANNEL_STATS, Attrs::new(), &[x])
    }

    /// Batch norm by the statistics of `x` itself (`channel_stats(x)`), with or without scale and shift.
    pub fn batch_norm(
        &mut self,
        x: NodeId,
        stats: NodeId,
        affine: Option<[NodeId; 2]>,
        eps: f64,
    ) -> Result<NodeId, ShapeError> {
        self.batch_norm_node(x, stats, affine, Attrs::new().float("eps", eps).bool("frozen", false))
    }

    /// Batch norm by statistics `[2, C]` that do not depend on `x`.
    pub fn frozen_batch_norm(
        &mut self,
        x: NodeId,
        stats: NodeId,
        affine: Option<[NodeId; 2]>,
        eps: f64,
    ) -> Result<NodeId, ShapeError> {
        self.batch_norm_node(x, stats, affine, Attrs::new().float("eps", eps).bool("frozen", true))
    }

    fn batch_norm_node(
        &mut self,
        x: NodeId,
        stats: NodeId,
        affine: Option<[NodeId; 2]>,
        attrs: Attrs,
    ) -> Result<NodeId, ShapeError> {
        let inputs: Vec<NodeId> = [x, stats].into_iter().chain(affine.into_iter().flatten()).collect();
        self.apply(&BATCH_NORM, attrs, &inputs)
    }

    /// Moves the running average `state` (read as `before`) towards row `row` of statistics taken over `count` values.
    ///
    /// Statistics that it has followed already in this step, from the same use written twice, count once.
    pub fn follow_stats(
        &mut self,
        (state, before): (StateId, NodeId),
        stats: NodeId,
        row: usize,
        momentum: f64,
        count: &Dim,
    ) -> Result<(), ShapeError> {
        let latest = self.state_so_far(state, before);
        let mut average = latest;
        while self.node(average).is(&RUNNING_AVERAGE) {
            let inputs = &self.node(average).inputs;
            if inputs[1] == stats {
                return Ok(());
            }
            average = inputs[0];
        }
        let attrs = Attrs::new().float("momentum", momentum).int("row", row as i64);
        let next = self.apply(&RUNNING_AVERAGE, attrs.dims("count", std::slice::from_ref(count)), &[latest, stats])?;
        self.update(state, next);
        Ok(())
    }

    /// Layer norm over the last dimension, with or without scale and shift.
    pub fn layer_norm(&mut self, x: NodeId, affine: Option<[NodeId; 2]>, eps: f64) -> Result<NodeId, ShapeError> {
        let inputs: Vec<NodeId> = [x].into_iter().chain(affine.into_iter().flatten()).collect();
        self.apply(&LAYER_NORM, Attrs::new().float("eps", eps), &inputs)
    }

    /// One row of a `[2, C]` pair, as `[C]`.
    fn pair_row(&mut self, pair: NodeId, row: usize) -> Result<NodeId, ShapeError> {
        let channels = self.shape(pair).0[1].clone();
        let row = self.slice(pair, 0, &Dim::from(row), &Dim::from(1i64))?;
        self.reshape(row, &[channels])
    }
}

fn like_first(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    Ok(inputs[0].clone())
}

fn channels<'a>(op: &str, x: &'a Shape) -> Result<&'a Dim, ShapeError> {
    match &x.0[..] {
        [_, .., last] => Ok(last),
        _ => Err(ShapeError::new(format!("{op} needs a batch of vectors or images, this is {x}"))),
    }
}

pub(super) fn infer_stats(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let channels = channels("batch norm", &inputs[0].shape)?;
    Ok(TensorType::float(Shape(vec![Dim::from(2i64), channels.clone()])))
}

fn infer_batch(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let (x, stats) = (&inputs[0].shape, &inputs[1].shape);
    let channels = channels("batch norm", x)?;
    if stats.0 != [Dim::from(2i64), channels.clone()] {
        return Err(ShapeError::new(format!("batch norm of {x} needs statistics [2, {channels}], these are {stats}")));
    }
    check_affine("batch norm", x, &inputs[2..])?;
    Ok(TensorType::float(x.clone()))
}

fn infer_layer(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let x = &inputs[0].shape;
    channels("layer norm", x)?;
    check_affine("layer norm", x, &inputs[1..])?;
    Ok(TensorType::float(x.clone()))
}

/// Scale and shift must be `[C]` each.
fn check_affine(op: &str, x: &Shape, affine: &[&TensorType]) -> Result<(), ShapeError> {
    let channels = &x.0[x.rank() - 1..];
    match affine.iter().find(|t| t.shape.0 != channels) {
        Some(t) => {
            Err(ShapeError::new(format!("{op} of {x} needs scale and shift [{}], not {}", channels[0], t.shape)))
        }
        None => Ok(()),
    }
}

fn batch_gradient(b: &mut Backward) -> Result<Vec<Option<NodeId>>, ShapeError> {
    let frozen = b.attrs.get_bool("frozen");
    let eps = Attrs::new().float("eps", b.attrs.get_float("eps"));
    let (x, stats, affine) = (b.inputs[0], b.inputs[1], &b.inputs[2..]);
    let needs_pair = b.needs[2..].iter().any(|&n| n) || (b.needs[0] && !frozen);
    let mut grads = vec![None; b.inputs.len()];
    let pair =
        if needs_pair { Some(b.graph.apply(&BATCH_NORM_PARAM_GRAD, eps.clone(), &[x, stats, b.grad])?) } else { None };
    if let Some(pair) = pair {
        for row in 0..affine.len() {
            grads[2 + row] = Some(b.graph.pair_row(pair, row)?);
        }
    }
    grads[0] = match pair {
        _ if !b.needs[0] => None,
        Some(pair) if !frozen => {
            let inputs: Vec<NodeId> = [x, stats, b.grad, pair].into_iter().chain(affine.first().copied()).collect();
            let (rows, _) = b.graph.shape(x).0.split_at(b.graph.shape(x).rank() - 1);
            let attrs = eps.dims("count", &[Dim::product(rows)]);
            Some(b.graph.apply(&BATCH_NORM_INPUT_GRAD, attrs, &inputs)?)
        }
        _ => Some(frozen_input_gradient(b)?),
    };
    Ok(grads)
}

/// `dy * gamma / sqrt(var + eps)`
fn frozen_input_gradient(b: &mut Backward) -> Result<NodeId, ShapeError> {
    let var = b.graph.pair_row(b.inputs[1], 1)?;
    let eps = b.graph.constant(b.attrs.get_float("eps"));
    let shifted = b.graph.add(var, eps)?;
    let deviation = b.graph.sqrt(shifted)?;
    let scaled = b.graph.div(b.grad, deviation)?;
    match b.inputs.get(2) {
        Some(&gamma) => b.graph.mul(scaled, gamma),
        None => Ok(scaled),
    }
}

fn layer_gradient(b: &mut Backward) -> Result<Vec<Option<NodeId>>, ShapeError> {
    let (x, affine) = (b.inputs[0], &b.inputs[1..]);
    let mut grads = vec![None; b.inputs.len()];
    if b.needs[0] {
        let inputs: Vec<NodeId> = [x, b.grad].into_iter().chain(affine.first().copied()).collect();
        grads[0] = Some(b.graph.apply(&LAYER_NORM_INPUT_GRAD, b.attrs.clone(), &inputs)?);
    }
    if b.needs[1..].iter().any(|&n| n) {
        let pair = b.graph.apply(&LAYER_NORM_PARAM_GRAD, b.attrs.clone(), &[x, b.grad])?;
        for row in 0..affine.len() {
            grads[1 + row] = Some(b.graph.pair_row(pair, row)?);
        }
    }
    Ok(grads)
}
