//! Layer normalisation.

use super::{Build, Layer, Module, Output};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{Init, NodeId, ParamKind, ShapeError};

/// What may be added to a variance.
pub(super) const EPS: ParamType = ParamType::Number { min: 0.0, max: 1.0 };

/// `layernorm()`
pub static LAYER: Layer = Layer {
    entry: Entry {
        name: "layernorm",
        kind: Kind::Layer,
        params: &[
            Param::optional("affine", ParamType::Bool, "true", "whether it has a trained scale and shift"),
            Param::optional("eps", EPS, "1e-5", "what is added to the variance"),
        ],
        formula: "[.., C] -> [.., C]: (x - mean) / sqrt(var + eps) * weight + bias",
        doc: "Normalises each vector over its features (Ba et al. 2016).",
    },
    build: |config| Ok(Box::new(LayerNorm { affine: config.bool("affine"), eps: config.number("eps") })),
};

/// Layer norm over the last dimension.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm {
    /// Whether it has a trained scale and shift.
    pub affine: bool,
    /// What is added to the variance.
    pub eps: f64,
}

impl Module for LayerNorm {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let features = cx.features("layernorm", x)?;
        let affine = if self.affine { Some(scale_and_shift(cx, features, 1.0)?) } else { None };
        Ok(cx.graph.layer_norm(x, affine, self.eps)?.into())
    }
}

/// `weight` and `bias` of a normalisation over `features`, which start at `scale` and 0.
pub(super) fn scale_and_shift(cx: &mut Build, features: usize, scale: f64) -> Result<[NodeId; 2], ShapeError> {
    let scale = cx.weight("weight", &[features], Init::Constant(scale), ParamKind::Norm)?;
    Ok([scale, cx.weight("bias", &[features], Init::Constant(0.0), ParamKind::Norm)?])
}
