//! Dropout.

use super::{Build, Layer, Mode, Module, Output};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{NodeId, ShapeError};

/// `dropout(p)`
pub static LAYER: Layer = Layer {
    entry: Entry {
        name: "dropout",
        kind: Kind::Layer,
        params: &[Param::optional(
            "p",
            ParamType::Number { min: 0.0, max: 0.999 },
            "0.5",
            "the probability that an element is dropped",
        )],
        formula: "x * mask / (1 - p)",
        doc: "Sets random elements to 0 and scales up the others while training; does nothing in evaluation \
              (Srivastava et al. 2014).",
    },
    build: |config| Ok(Box::new(Dropout { p: config.number("p") })),
};

/// Dropout of single elements.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// The probability that an element is dropped.
    pub p: f64,
}

impl Module for Dropout {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        if cx.mode == Mode::Eval || self.p == 0.0 {
            return Ok(x.into());
        }
        let mask = cx.graph.dropout_mask(x, self.p, cx.stream(x))?;
        Ok(cx.graph.mul(x, mask)?.into())
    }
}
