//! Larger images: every pixel repeated.

use super::{Build, Layer, Module, Output};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::ops::window::image;
use crate::graph::{Dim, NodeId, ShapeError};

/// `upsample(factor)`
pub static LAYER: Layer = Layer {
    entry: Entry {
        name: "upsample",
        kind: Kind::Layer,
        params: &[Param::optional(
            "factor",
            ParamType::Int { min: 1, max: 64 },
            "2",
            "how often a pixel is repeated, both ways",
        )],
        formula: "[N, H, W, C] -> [N, factor H, factor W, C]",
        doc: "Repeats every pixel (nearest neighbour); followed by `conv2d` it is the usual step of a decoder.",
    },
    build: |config| Ok(Box::new(Upsample { factor: config.int("factor").max(1) })),
};

/// Every pixel as a square of `factor` by `factor`.
#[derive(Clone, Copy, Debug)]
pub struct Upsample {
    /// The side of the square.
    pub factor: usize,
}

impl Module for Upsample {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let [n, height, width, channels] = image("upsample", cx.graph.shape(x))?.map(Dim::clone);
        let (one, factor) = (Dim::from(1i64), Dim::from(self.factor));
        let apart = [&n, &height, &one, &width, &one, &channels].map(Dim::clone);
        let wide = [&n, &height, &factor, &width, &factor, &channels].map(Dim::clone);
        let apart = cx.graph.reshape(x, &apart)?;
        let repeated = cx.graph.broadcast_to(apart, &wide)?;
        Ok(cx.graph.reshape(repeated, &[n, &height * &factor, &width * &factor, channels])?.into())
    }
}
