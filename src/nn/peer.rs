//! The modules of PyTorch, torchvision and timm that compute the same as ours from weights of the same names.

use crate::graph::ops::conv::Conv;
use crate::graph::ops::window::Window;

/// A module of another package that is the same as one of ours.
#[derive(Clone, Debug, PartialEq)]
pub enum Peer {
    /// torchvision's residual network, without its classifier.
    ResNet {
        /// `resnet18`, ..
        name: &'static str,
        /// Blocks in each stage.
        blocks: [usize; 4],
        /// Whether these are of three convolutions.
        bottleneck: bool,
        /// Whether it begins with a 3 x 3 convolution alone.
        small_stem: bool,
        /// Channels of the first stage.
        width: usize,
    },
    /// timm's vision transformer, without its classifier.
    Vit(Transformer),
    /// A convolution.
    Conv {
        /// Channels that come out.
        out: usize,
        /// The side of the filters.
        kernel: usize,
        /// How they move.
        conv: Conv,
        /// Whether a bias is added.
        bias: bool,
    },
    /// A batch norm.
    BatchNorm {
        /// Whether it has a scale and shift.
        affine: bool,
        /// What is added to the variance.
        eps: f64,
    },
    /// The largest of each window.
    MaxPool(Window),
    /// The mean of each window.
    AvgPool(Window),
    /// The mean of all pixels.
    GlobalPool,
    /// A linear map of features.
    Linear {
        /// Features that come out.
        out: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// An operation on each value: `relu`, `gelu`.
    Activation(&'static str),
    /// One after the other, numbered.
    Row(Vec<Peer>),
}

/// What timm is told of a vision transformer.
#[derive(Clone, Debug, PartialEq)]
pub struct Transformer {
    /// Features of a token.
    pub dim: usize,
    /// How many blocks.
    pub depth: usize,
    /// Heads of each.
    pub heads: usize,
    /// The width of the perceptrons by the tokens'.
    pub mlp_ratio: f64,
    /// The side of a patch.
    pub patch: usize,
    /// Whether there is a class token.
    pub class: bool,
    /// How many registers.
    pub registers: usize,
    /// Where its positions come from.
    pub positions: Table,
    /// The side of the images that positions are made for, where that is said.
    pub size: Option<usize>,
    /// Whether the mean of the patches is the result, not the class token.
    pub mean: bool,
    /// Whether queries, keys and values have a bias.
    pub qkv_bias: bool,
    /// Where the scales of what blocks add start, if they have some.
    pub layer_scale: Option<f64>,
}

/// The kinds of positions that timm's vision transformer has, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Trained.
    Learnt,
    /// Sines and cosines, which become weights there.
    Sines,
    /// None.
    None,
}
