//! Multi-layer perceptrons: the projectors and predictors of joint-embedding methods.

use super::batchnorm::BatchNorm;
use super::layernorm::LayerNorm;
use super::linear::{INIT, Linear, Start};
use super::{Build, Layer, Module, Output};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::graph::{NodeId, ShapeError};

/// `mlp(hidden, ..., out)`
pub static LAYER: Layer = Layer {
    entry: Entry {
        name: "mlp",
        kind: Kind::Layer,
        params: &[
            Param::variadic("widths", ParamType::Int { min: 1, max: 1 << 24 }, "the features after each linear layer"),
            Param::optional(
                "norm",
                ParamType::Choice(&["batchnorm", "layernorm", "none"]),
                "batchnorm",
                "what follows each linear layer but the last",
            ),
            Param::optional(
                "activation",
                ParamType::Choice(&["relu", "gelu"]),
                "relu",
                "what follows each normalisation",
            ),
            Param::optional(
                "bias",
                ParamType::Choice(&["auto", "always", "never"]),
                "auto",
                "which linear layers have a bias; auto: those that no normalisation follows",
            ),
            Param::optional(
                "last",
                ParamType::Choice(&["linear", "batchnorm"]),
                "linear",
                "how it ends: with the linear layer, or with a batch norm without scale and shift",
            ),
            Param::optional("last_bias", ParamType::Bool, "true", "whether the last linear layer may have a bias"),
            INIT,
        ],
        formula: "[.., D] -> [.., out]: linear | norm | activation | ... | linear",
        doc: "A multi-layer perceptron; its parts are numbered as in PyTorch's Sequential.",
    },
    build,
};

/// A chain of linear layers with normalisation and activation between them.
#[derive(Clone, Debug)]
pub struct Mlp {
    widths: Vec<usize>,
    norm: Norm,
    gelu: bool,
    bias: Bias,
    last_norm: bool,
    last_bias: bool,
    start: Start,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Norm {
    Batch,
    Layer,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bias {
    Auto,
    Always,
    Never,
}

fn build(config: &Config) -> Result<Box<dyn Module>, String> {
    let widths: Vec<usize> = config.numbers("widths").into_iter().map(|w| w as usize).collect();
    if widths.is_empty() || widths.contains(&0) {
        return Err("mlp needs the width of at least one layer, each at least 1".to_owned());
    }
    let norm = match config.text("norm") {
        "batchnorm" => Norm::Batch,
        "layernorm" => Norm::Layer,
        _ => Norm::None,
    };
    let bias = match config.text("bias") {
        "always" => Bias::Always,
        "never" => Bias::Never,
        _ => Bias::Auto,
    };
    let gelu = config.text("activation") == "gelu";
    let (last_norm, last_bias) = (config.text("last") == "batchnorm", config.bool("last_bias"));
    Ok(Box::new(Mlp { widths, norm, gelu, bias, last_norm, last_bias, start: Start::from_config(config) }))
}

impl Module for Mlp {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let (mut x, mut parts) = (x, 0);
        for (i, &out) in self.widths.iter().enumerate() {
            let last = i + 1 == self.widths.len();
            let linear = Linear { bias: self.has_bias(last), ..Linear::new(out, self.start) };
            x = part(cx, &mut parts, &linear, x)?;
            if last {
                break;
            }
            x = match self.norm {
                Norm::Batch => part(cx, &mut parts, &BatchNorm::default(), x)?,
                Norm::Layer => part(cx, &mut parts, &LayerNorm { affine: true, eps: 1e-5 }, x)?,
                Norm::None => x,
            };
            x = if self.gelu { cx.graph.gelu(x)? } else { cx.graph.relu(x)? };
            parts += 1;
        }
        if self.last_norm {
            x = part(cx, &mut parts, &BatchNorm { affine: false, ..BatchNorm::default() }, x)?;
        }
        Ok(x.into())
    }
}

impl Mlp {
    fn has_bias(&self, last: bool) -> bool {
        let normalised = if last { self.last_norm } else { self.norm != Norm::None };
        let wanted = match self.bias {
            Bias::Always => true,
            Bias::Never => false,
            Bias::Auto => !normalised,
        };
        wanted && (!last || self.last_bias)
    }
}

/// Applies the next numbered part.
fn part(cx: &mut Build, parts: &mut usize, module: &dyn Module, x: NodeId) -> Result<NodeId, ShapeError> {
    let result = cx.scope(&parts.to_string(), |cx| module.apply(cx, x))?;
    *parts += 1;
    Ok(result.value)
}
