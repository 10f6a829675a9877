//! Scores of prototypes: a linear map whose rows are brought back to length 1 before every step.

use super::{Build, Layer, Module, Output};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{Init, NodeId, ParamKind, ShapeError};

/// `prototypes(k)`
pub static LAYER: Layer = Layer {
    entry: Entry {
        name: "prototypes",
        kind: Kind::Layer,
        params: &[
            Param::required("k", ParamType::Int { min: 1, max: 1 << 24 }, "how many prototypes"),
            Param::optional("normalize", ParamType::Bool, "true", "whether the input is scaled to length 1 first"),
        ],
        formula: "[.., D] -> [.., k]: normalize(x) @ weight.T, with rows of the weight of length 1",
        doc: "The cosine of each vector with each of `k` trained prototypes. They are put back to length 1 before each step, \
              outside of the gradient (Caron et al. 2020).",
    },
    build: |config| Ok(Box::new(Prototypes { k: config.int("k"), normalize: config.bool("normalize") })),
};

/// `x [.., D] -> [.., k]`.
#[derive(Clone, Copy, Debug)]
pub struct Prototypes {
    /// How many.
    pub k: usize,
    /// Whether the input is scaled to length 1 first.
    pub normalize: bool,
}

impl Module for Prototypes {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let features = cx.features("prototypes", x)?;
        let last = cx.graph.shape(x).rank() - 1;
        let weight = cx.weight("weight", &[self.k, features], Init::Sphere, ParamKind::Weight)?;
        cx.keep_unit_rows("weight");
        let x = if self.normalize { cx.graph.normalize(x, last, 1e-12)? } else { x };
        Ok(cx.graph.product(x, weight, false, true)?.into())
    }
}
