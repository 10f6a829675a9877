//! Convolution of images.

use super::{Build, Layer, Module, Output, Peer};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::graph::ops::conv::Conv;
use crate::graph::ops::window::image;
use crate::graph::{Init, NodeId, ParamKind, ShapeError};

const PIXELS: ParamType = ParamType::Int { min: 1, max: 1 << 12 };

/// `conv2d(out)`
pub static LAYER: Layer = Layer {
    entry: Entry {
        name: "conv2d",
        kind: Kind::Layer,
        params: &[
            Param::required("out", ParamType::Int { min: 1, max: 1 << 20 }, "how many channels come out"),
            Param::optional("kernel", PIXELS, "3", "the side of the filters in pixels"),
            Param::optional("stride", PIXELS, "1", "pixels from one position to the next"),
            Param::optional(
                "padding",
                ParamType::Int { min: 0, max: 1 << 12 },
                "none",
                "pixels of zeros on each side; half the kernel, rounded down, when left out",
            ),
            Param::optional(
                "groups",
                ParamType::Int { min: 1, max: 1 << 20 },
                "1",
                "groups of channels convolved apart",
            ),
            Param::optional("bias", ParamType::Bool, "true", "whether a bias is added"),
        ],
        formula: "[N, H, W, C] -> [N, (H + 2 padding - kernel) / stride + 1, .., out]",
        doc: "A convolution with square filters; weights start uniform in 1 / sqrt(fan in), as in PyTorch.",
    },
    build,
};

/// A convolution with filters of one size.
#[derive(Clone, Copy, Debug)]
pub struct Conv2d {
    /// How many channels come out.
    pub out: usize,
    /// The side of the filters in pixels.
    pub kernel: usize,
    /// How the filters move.
    pub conv: Conv,
    /// Whether a bias is added.
    pub bias: bool,
    /// How the filters start; uniform in `1 / sqrt(fan in)` when not said.
    pub init: Option<Init>,
}

fn build(config: &Config) -> Result<Box<dyn Module>, String> {
    let (out, kernel, groups) = (config.int("out"), config.int("kernel"), config.int("groups"));
    if out % groups.max(1) != 0 {
        return Err(format!("{out} channels do not divide into {groups} groups"));
    }
    let padding = config.maybe_number("padding").map_or(kernel / 2, |p| p as usize);
    let conv = Conv { stride: config.int("stride"), padding, groups };
    Ok(Box::new(Conv2d { out, kernel, conv, bias: config.bool("bias"), init: None }))
}

impl Module for Conv2d {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        image("conv2d", cx.graph.shape(x))?;
        let (channels, groups) = (cx.features("conv2d", x)?, self.conv.groups);
        if channels % groups.max(1) != 0 {
            return Err(ShapeError::new(format!("{channels} channels do not divide into {groups} groups")));
        }
        let per_group = channels / groups.max(1);
        let uniform = Init::Uniform(1.0 / ((per_group * self.kernel * self.kernel) as f64).sqrt());
        let shape = [self.out, per_group, self.kernel, self.kernel];
        let weight = cx.weight("weight", &shape, self.init.unwrap_or(uniform), ParamKind::Weight)?;
        let bias = if self.bias { Some(cx.weight("bias", &[self.out], uniform, ParamKind::Bias)?) } else { None };
        let result = cx.graph.conv2d(x, weight, self.conv)?;
        match bias {
            Some(bias) => Ok(cx.graph.add(result, bias)?.into()),
            None => Ok(result.into()),
        }
    }

    fn peer(&self) -> Option<Peer> {
        Some(Peer::Conv { out: self.out, kernel: self.kernel, conv: self.conv, bias: self.bias })
    }
}
