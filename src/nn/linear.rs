//! A linear map of the last dimension.

use super::{Build, Layer, Module, Output};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{Init, NodeId, ParamKind, ShapeError};

/// `linear(out)`
pub const LAYER: Layer = Layer {
    entry: Entry {
        name: "linear",
        kind: Kind::Layer,
        params: &[
            Param::required("out", ParamType::Int { min: 1, max: 1 << 24 }, "how many features come out"),
            Param::optional("bias", ParamType::Bool, "true", "whether a bias is added"),
        ],
        formula: "[.., D] -> [.., out]: x @ weight.T + bias",
        doc: "A linear map of vectors or tokens; weights start uniform in 1 / sqrt(D), as in PyTorch.",
    },
    build: |config| Ok(Box::new(Linear { out: config.int("out"), bias: config.bool("bias"), init: None })),
};

/// `x [N, D] -> [N, out]`, or `[N, T, D] -> [N, T, out]`.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    /// How many features come out.
    pub out: usize,
    /// Whether a bias is added.
    pub bias: bool,
    /// How weights start, beside a bias of 0; uniform in `1 / sqrt(D)`, both, when not said.
    pub init: Option<Init>,
}

impl Module for Linear {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let shape = cx.graph.shape(x);
        if shape.rank() > 3 {
            let error = ShapeError::new(format!("linear needs vectors [N, D] or tokens [N, T, D], this is {shape}"));
            return Err(error.help("put `flatten()` or `global_avgpool()` before it"));
        }
        let features = cx.features("linear", x)?;
        let uniform = Init::Uniform(1.0 / (features as f64).sqrt());
        let [start, shift] = self.init.map_or([uniform; 2], |init| [init, Init::Constant(0.0)]);
        let weight = cx.weight("weight", &[self.out, features], start, ParamKind::Weight)?;
        let bias = if self.bias { Some(cx.weight("bias", &[self.out], shift, ParamKind::Bias)?) } else { None };
        let g = &mut *cx.graph;
        let product = g.product(x, weight, false, true)?;
        match bias {
            Some(bias) => Ok(g.add(product, bias)?.into()),
            None => Ok(product.into()),
        }
    }
}
