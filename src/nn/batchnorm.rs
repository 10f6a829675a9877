//! Batch normalisation, with running averages of its statistics.

use super::build::positions;
use super::layernorm::{EPS, scale_and_shift};
use super::{Build, Layer, Mode, Module, Output, Peer};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{Init, NodeId, ShapeError};

/// `batchnorm()`
pub static LAYER: Layer = Layer {
    entry: Entry {
        name: "batchnorm",
        kind: Kind::Layer,
        params: &[
            Param::optional("affine", ParamType::Bool, "true", "whether it has a trained scale and shift"),
            Param::optional("eps", EPS, "1e-5", "what is added to the variance"),
            Param::optional(
                "momentum",
                ParamType::Number { min: 0.0, max: 1.0 },
                "0.1",
                "the part of a batch in the running averages",
            ),
        ],
        formula: "[.., C] -> [.., C]: (x - mean) / sqrt(var + eps) * weight + bias",
        doc: "Normalises each channel over the batch and all pixels of one call; evaluation uses running averages \
              (Ioffe & Szegedy 2015).",
    },
    build: |config| {
        let (eps, momentum) = (config.number("eps"), config.number("momentum"));
        Ok(Box::new(BatchNorm { affine: config.bool("affine"), eps, momentum, scale: 1.0 }))
    },
};

/// Batch norm over all but the last dimension.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    /// Whether it has a trained scale and shift.
    pub affine: bool,
    /// What is added to the variance.
    pub eps: f64,
    /// The part of a batch in the running averages.
    pub momentum: f64,
    /// What the trained scale starts at.
    pub scale: f64,
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { affine: true, eps: 1e-5, momentum: 0.1, scale: 1.0 }
    }
}

impl Module for BatchNorm {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let channels = cx.features("batchnorm", x)?;
        let affine = if self.affine { Some(scale_and_shift(cx, channels, self.scale)?) } else { None };
        let mean = cx.state("running_mean", &[channels], Init::Constant(0.0));
        let var = cx.state("running_var", &[channels], Init::Constant(1.0));
        if cx.mode == Mode::Eval {
            let stats = cx.graph.stack(&[mean.1, var.1], 0)?;
            return Ok(cx.graph.frozen_batch_norm(x, stats, affine, self.eps)?.into());
        }
        let stats = cx.graph.channel_stats(x)?;
        let count = positions(cx.graph.shape(x));
        for (row, running) in [mean, var].into_iter().enumerate() {
            cx.graph.follow_stats(running, stats, row, self.momentum, &count)?;
        }
        Ok(cx.graph.batch_norm(x, stats, affine, self.eps)?.into())
    }

    fn peer(&self) -> Option<Peer> {
        Some(Peer::BatchNorm { affine: self.affine, eps: self.eps })
    }
}
