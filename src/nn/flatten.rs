//! From images to vectors.

use super::{Build, Layer, Module, Output};
use crate::catalog::{Entry, Kind};
use crate::graph::{Dim, NodeId, ShapeError};

/// `flatten()`
pub static LAYER: Layer = Layer {
    entry: Entry {
        name: "flatten",
        kind: Kind::Layer,
        params: &[],
        formula: "[N, H, W, C] -> [N, C * H * W]",
        doc: "Lays out each sample as one vector; images channel by channel, as in PyTorch.",
    },
    build: |_| Ok(Box::new(Flatten)),
};

/// Everything but the first dimension as one.
#[derive(Clone, Copy, Debug)]
pub struct Flatten;

impl Module for Flatten {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let shape = cx.graph.shape(x).clone();
        let Some((batch, rest)) = shape.0.split_first() else {
            return Err(ShapeError::new("flatten needs a batch, this is a scalar"));
        };
        let ordered = if shape.rank() == 4 { cx.graph.permute(x, &[0, 3, 1, 2])? } else { x };
        Ok(cx.graph.reshape(ordered, &[batch.clone(), Dim::product(rest)])?.into())
    }
}
