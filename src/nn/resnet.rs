//! Residual networks (He et al. 2016), with torchvision's layers and parameter names.

use super::batchnorm::BatchNorm;
use super::conv2d::Conv2d;
use super::{Build, Layer, Module, Output, Peer};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::graph::ops::conv::Conv;
use crate::graph::ops::window::{Window, image};
use crate::graph::{Fan, Init, NodeId, ShapeError};

const PARAMS: &[Param] = &[
    Param::optional(
        "stem",
        ParamType::Choice(&["small", "imagenet"]),
        "imagenet",
        "a 3 x 3 convolution for small images, or 7 x 7 with stride 2 and pooling",
    ),
    Param::optional(
        "width",
        ParamType::Int { min: 1, max: 4096 },
        "64",
        "channels of the first stage; they double three times",
    ),
    Param::optional("zero_init", ParamType::Bool, "false", "whether each block starts as the identity"),
];

/// `resnet18()`
pub static RESNET18: Layer = Layer {
    entry: entry(
        "resnet18",
        "[N, H, W, 3] -> [N, 8 width], tap `map`",
        "ResNet-18, as torchvision's without its classifier.",
    ),
    build: |config| Ok(Box::new(ResNet::new("resnet18", [2, 2, 2, 2], false, config))),
};

/// `resnet34()`
pub static RESNET34: Layer = Layer {
    entry: entry(
        "resnet34",
        "[N, H, W, 3] -> [N, 8 width], tap `map`",
        "ResNet-34, as torchvision's without its classifier.",
    ),
    build: |config| Ok(Box::new(ResNet::new("resnet34", [3, 4, 6, 3], false, config))),
};

/// `resnet50()`
pub static RESNET50: Layer = Layer {
    entry: entry(
        "resnet50",
        "[N, H, W, 3] -> [N, 32 width], tap `map`",
        "ResNet-50, as torchvision's without its classifier.",
    ),
    build: |config| Ok(Box::new(ResNet::new("resnet50", [3, 4, 6, 3], true, config))),
};

const fn entry(name: &'static str, formula: &'static str, doc: &'static str) -> Entry {
    Entry { name, kind: Kind::Layer, params: PARAMS, formula, doc }
}

/// A residual network in four stages.
#[derive(Clone, Copy, Debug)]
pub struct ResNet {
    name: &'static str,
    /// Blocks in each stage.
    blocks: [usize; 4],
    /// Blocks of three convolutions that widen four times, instead of two convolutions.
    bottleneck: bool,
    small_stem: bool,
    width: usize,
    zero_init: bool,
}

impl ResNet {
    fn new(name: &'static str, blocks: [usize; 4], bottleneck: bool, config: &Config) -> Self {
        let small_stem = config.text("stem") == "small";
        Self { name, blocks, bottleneck, small_stem, width: config.int("width"), zero_init: config.bool("zero_init") }
    }

    fn stem(&self, cx: &mut Build, x: NodeId) -> Result<NodeId, ShapeError> {
        let (kernel, stride) = if self.small_stem { (3, 1) } else { (7, 2) };
        let x = conv(cx, "conv1", x, self.width, kernel, stride)?;
        let x = norm(cx, "bn1", x, 1.0)?;
        let x = cx.graph.relu(x)?;
        if self.small_stem {
            return Ok(x);
        }
        cx.graph.max_pool(x, Window { kernel: 3, stride: 2, padding: 1 })
    }

    /// A block: convolutions, added to the input or, where the shape changes, to its projection.
    fn block(&self, cx: &mut Build, x: NodeId, width: usize, stride: usize) -> Result<NodeId, ShapeError> {
        let last_scale = if self.zero_init { 0.0 } else { 1.0 };
        // (out, kernel, stride) of each convolution.
        let convolutions = match self.bottleneck {
            true => vec![(width, 1, 1), (width, 3, stride), (4 * width, 1, 1)],
            false => vec![(width, 3, stride), (width, 3, 1)],
        };
        let mut y = x;
        for (i, &(out, kernel, stride)) in convolutions.iter().enumerate() {
            let last = i + 1 == convolutions.len();
            y = conv(cx, &format!("conv{}", i + 1), y, out, kernel, stride)?;
            y = norm(cx, &format!("bn{}", i + 1), y, if last { last_scale } else { 1.0 })?;
            y = if last { y } else { cx.graph.relu(y)? };
        }
        let shortcut = if stride == 1 && cx.graph.shape(x) == cx.graph.shape(y) {
            x
        } else {
            let out = convolutions[convolutions.len() - 1].0;
            let projected = conv(cx, "downsample.0", x, out, 1, stride)?;
            norm(cx, "downsample.1", projected, 1.0)?
        };
        let sum = cx.graph.add(y, shortcut)?;
        cx.graph.relu(sum)
    }
}

impl Module for ResNet {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        image(self.name, cx.graph.shape(x))?;
        let mut x = self.stem(cx, x)?;
        for (stage, &blocks) in self.blocks.iter().enumerate() {
            for block in 0..blocks {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let path = format!("layer{}.{block}", stage + 1);
                x = cx.block(&path, |cx| self.block(cx, x, self.width << stage, stride))?;
            }
        }
        let features = cx.graph.mean(x, &[1, 2], false)?;
        Ok(Output { value: features, taps: vec![("map".to_owned(), x)] })
    }

    fn peer(&self) -> Option<Peer> {
        let Self { name, blocks, bottleneck, small_stem, width, .. } = *self;
        Some(Peer::ResNet { name, blocks, bottleneck, small_stem, width })
    }
}

/// A convolution without bias that keeps the size but for its stride.
fn conv(cx: &mut Build, name: &str, x: NodeId, out: usize, kernel: usize, stride: usize) -> Result<NodeId, ShapeError> {
    let conv = Conv { stride, padding: kernel / 2, groups: 1 };
    let layer = Conv2d { out, kernel, conv, bias: false, init: Some(Init::KaimingNormal(Fan::Out)) };
    Ok(cx.scope(name, |cx| layer.apply(cx, x))?.value)
}

/// A batch norm whose trained scale starts at `scale`.
fn norm(cx: &mut Build, name: &str, x: NodeId, scale: f64) -> Result<NodeId, ShapeError> {
    Ok(cx.scope(name, |cx| BatchNorm { scale, ..BatchNorm::default() }.apply(cx, x))?.value)
}
