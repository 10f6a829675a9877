//! Group normalisation.

use super::layernorm::{EPS, scale_and_shift};
use super::{Build, Layer, Module, Output};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{Dim, NodeId, ShapeError};

/// `groupnorm(groups)`
pub static LAYER: Layer = Layer {
    entry: Entry {
        name: "groupnorm",
        kind: Kind::Layer,
        params: &[
            Param::required("groups", ParamType::Int { min: 1, max: 1 << 20 }, "how many groups of channels"),
            Param::optional("eps", EPS, "1e-5", "what is added to the variance"),
        ],
        formula: "[N, .., C] -> [N, .., C]: (x - mean) / sqrt(var + eps) * weight + bias",
        doc: "Normalises each group of channels of each sample over its pixels (Wu & He 2018).",
    },
    build: |config| Ok(Box::new(GroupNorm { groups: config.int("groups"), eps: config.number("eps") })),
};

/// Group norm: a sample's channels in equal groups, each normalised over all its positions.
#[derive(Clone, Copy, Debug)]
pub struct GroupNorm {
    /// How many groups of channels.
    pub groups: usize,
    /// What is added to the variance.
    pub eps: f64,
}

impl Module for GroupNorm {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let channels = cx.features("groupnorm", x)?;
        if channels % self.groups != 0 {
            return Err(ShapeError::new(format!("{channels} channels do not divide into {} groups", self.groups)));
        }
        let [weight, bias] = scale_and_shift(cx, channels, 1.0)?;
        let g = &mut *cx.graph;
        let shape = g.shape(x).0.clone();
        let pixels = Dim::product(&shape[1..shape.len() - 1]);
        let grouped = [shape[0].clone(), pixels, Dim::from(self.groups), Dim::from(channels / self.groups)];
        let parted = g.reshape(x, &grouped)?;
        let mean = g.mean(parted, &[1, 3], true)?;
        let centred = g.sub(parted, mean)?;
        let squares = g.square(centred)?;
        let var = g.mean(squares, &[1, 3], true)?;
        let eps = g.constant(self.eps);
        let var = g.add(var, eps)?;
        let deviation = g.sqrt(var)?;
        let normal = g.div(centred, deviation)?;
        let whole = g.reshape(normal, &shape)?;
        let scaled = g.mul(whole, weight)?;
        Ok(g.add(scaled, bias)?.into())
    }
}
