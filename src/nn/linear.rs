//! A linear map of the last dimension.

use super::{Build, Layer, Module, Output, Peer};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::graph::{Init, NodeId, ParamKind, ShapeError};

/// `linear(out)`
pub static LAYER: Layer = Layer {
    entry: Entry {
        name: "linear",
        kind: Kind::Layer,
        params: &[
            Param::required("out", ParamType::Int { min: 1, max: 1 << 24 }, "how many features come out"),
            Param::optional("bias", ParamType::Bool, "true", "whether a bias is added"),
            Param::optional(
                "norm",
                ParamType::Choice(&["none", "weight"]),
                "none",
                "weight: each row of the weight is scaled to length 1 in use, times a gain (Salimans & Kingma 2016)",
            ),
            Param::optional(
                "gain",
                ParamType::Choice(&["fixed", "trained"]),
                "fixed",
                "with `norm: weight`, whether the gain of a row stays 1 or is trained from 1",
            ),
            INIT,
        ],
        formula: "[.., D] -> [.., out]: x @ weight.T + bias",
        doc: "A linear map of vectors or tokens; weights start uniform in 1 / sqrt(D), as in PyTorch.",
    },
    build: |config| {
        let norm = match (config.text("norm"), config.text("gain")) {
            ("weight", "trained") => RowNorm::Trained,
            ("weight", _) => RowNorm::Fixed,
            _ => RowNorm::None,
        };
        let plain = Linear::new(config.int("out"), Start::from_config(config));
        Ok(Box::new(Linear { bias: config.bool("bias"), norm, ..plain }))
    },
};

/// How a layer's weights start.
pub(super) const INIT: Param = init("uniform");

/// The same with another default.
pub(super) const fn init(default: &'static str) -> Param {
    Param::optional(
        "init",
        ParamType::Choice(&["uniform", "trunc_normal", "xavier"]),
        default,
        "how weights start: `uniform` in 1 / sqrt(D), biases too (PyTorch); normal with deviation 0.02, cut off at two deviations, biases 0 \
         (`trunc_normal`, timm); or uniform in sqrt(6 / (D + out)), biases 0 (`xavier`, Glorot & Bengio 2010)",
    )
}

/// How the weights and biases of a map of vectors start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// Both uniform in `1 / sqrt(D)`, as in PyTorch.
    Uniform,
    /// Normal with that deviation, cut off at two of them; biases 0.
    TruncatedNormal(f64),
    /// Uniform in `sqrt(6 / (D + out))`; biases 0 (Glorot & Bengio 2010, eq. 16).
    Xavier,
}

impl Start {
    /// As the call of a layer says it.
    pub(super) fn from_config(config: &Config) -> Self {
        match config.text("init") {
            "trunc_normal" => Start::TruncatedNormal(0.02),
            "xavier" => Start::Xavier,
            _ => Start::Uniform,
        }
    }

    /// Of a weight `[out, features]`, divided by a number.
    pub fn weight(self, features: usize, out: usize, by: f64) -> Init {
        match self {
            Start::Uniform => Init::Uniform(1.0 / (features as f64).sqrt() / by),
            Start::TruncatedNormal(std) => Init::TruncatedNormal(std / by),
            Start::Xavier => Init::Uniform((6.0 / (features + out) as f64).sqrt() / by),
        }
    }

    /// Of the bias that is added.
    pub fn bias(self, features: usize) -> Init {
        match self {
            Start::Uniform => Init::Uniform(1.0 / (features as f64).sqrt()),
            Start::TruncatedNormal(_) | Start::Xavier => Init::Constant(0.0),
        }
    }
}

/// Whether the rows of a weight are scaled to length 1 in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowNorm {
    /// They are used as they are.
    #[default]
    None,
    /// They have length 1.
    Fixed,
    /// They have a trained length.
    Trained,
}

/// `x [N, D] -> [N, out]`, or `[N, T, D] -> [N, T, out]`.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    /// How many features come out.
    pub out: usize,
    /// Whether a bias is added.
    pub bias: bool,
    /// How weight and bias start.
    pub start: Start,
    /// What the weight is divided by at its start.
    pub smaller: f64,
    /// Whether the rows of the weight are scaled to length 1 in use.
    pub norm: RowNorm,
}

impl Module for Linear {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let shape = cx.graph.shape(x);
        if shape.rank() > 3 {
            let error = ShapeError::new(format!("linear needs vectors [N, D] or tokens [N, T, D], this is {shape}"));
            return Err(error.help("put `flatten()` or `global_avgpool()` before it"));
        }
        let features = cx.features("linear", x)?;
        let weight = self.weight(cx, features, self.start.weight(features, self.out, self.smaller))?;
        let shift = self.start.bias(features);
        let bias = if self.bias { Some(cx.weight("bias", &[self.out], shift, ParamKind::Bias)?) } else { None };
        let g = &mut *cx.graph;
        let product = g.product(x, weight, false, true)?;
        match bias {
            Some(bias) => Ok(g.add(product, bias)?.into()),
            None => Ok(product.into()),
        }
    }

    fn peer(&self) -> Option<Peer> {
        (self.norm == RowNorm::None).then_some(Peer::Linear { out: self.out, bias: self.bias })
    }
}

impl Linear {
    /// A map with a bias.
    pub fn new(out: usize, start: Start) -> Self {
        Linear { out, bias: true, start, smaller: 1.0, norm: RowNorm::None }
    }

    /// The weight as it is used: its rows as they are, or scaled. PyTorch calls the parts `weight_v` and `weight_g`.
    fn weight(&self, cx: &mut Build, features: usize, init: Init) -> Result<NodeId, ShapeError> {
        let shape = [self.out, features];
        if self.norm == RowNorm::None {
            return cx.weight("weight", &shape, init, ParamKind::Weight);
        }
        let rows = cx.weight("weight_v", &shape, init, ParamKind::Weight)?;
        let unit = cx.graph.normalize(rows, 1, 1e-12)?;
        if self.norm == RowNorm::Fixed {
            return Ok(unit);
        }
        let gain = cx.weight("weight_g", &[self.out, 1], Init::Constant(1.0), ParamKind::Weight)?;
        cx.graph.mul(unit, gain)
    }
}
