//! A trained vector for each place of a row of tokens.

use super::{Build, Layer, Module, Output};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{Init, NodeId, ParamKind, ShapeError};

/// `positions()`
pub static LAYER: Layer = Layer {
    entry: Entry {
        name: "positions",
        kind: Kind::Layer,
        params: &[Param::optional(
            "std",
            ParamType::Number { min: 0.0, max: 1e3 },
            "0.02",
            "vectors start normal with this deviation",
        )],
        formula: "[N, T, D] -> [N, T, D]: x + weight, of shape [T, D]",
        doc: "Adds a trained vector to each token by its place, so that what comes behind can tell an order (Gehring et \
              al. 2017). A `vit` has positions of its own.",
    },
    build: |config| Ok(Box::new(Positions { std: config.number("std") })),
};

/// A vector for each place.
#[derive(Clone, Copy, Debug)]
pub struct Positions {
    /// The deviation of their first values.
    pub std: f64,
}

impl Module for Positions {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let shape = cx.graph.shape(x).clone();
        let length = shape.0.get(1).and_then(|d| d.constant()).filter(|_| shape.rank() == 3);
        let Some(length) = length.and_then(|n| usize::try_from(n).ok()) else {
            return Err(ShapeError::new(format!("positions are those of tokens [N, T, D], this is {shape}"))
                .help("how many tokens there are must be known"));
        };
        let dim = cx.features("positions", x)?;
        let weight = cx.weight("weight", &[length, dim], Init::Normal(self.std), ParamKind::Token)?;
        Ok(cx.graph.add(x, weight)?.into())
    }
}
