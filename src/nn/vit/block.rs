//! Blocks of attention and perceptron, each normalised before (Dosovitskiy et al. 2021), with timm's parameter names.

use super::positions::ScoreBias;
use crate::graph::ops::attention::Attended;
use crate::graph::{Dim, Init, NodeId, ParamKind, ShapeError};
use crate::nn::layernorm::LayerNorm;
use crate::nn::linear::{Linear, Start};
use crate::nn::{Build, Mode, Module};

/// The deviation that tokens and positions start with.
pub(super) const STD: f64 = 0.02;

/// What is added to variances, as in timm.
pub(super) const NORM: LayerNorm = LayerNorm { affine: true, eps: 1e-6 };

/// A stack of blocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks {
    /// How many.
    pub depth: usize,
    /// Parts of the features that attend apart.
    pub heads: usize,
    /// The width of the perceptrons, as a multiple of the tokens'.
    pub mlp_ratio: f64,
    /// Whether queries, keys and values have a bias.
    pub qkv_bias: bool,
    /// Where the scale of what a block adds starts, if it has one.
    pub layer_scale: Option<f64>,
    /// How often the last block is left out, for a sample; it rises linearly over the depth.
    pub drop_path: f64,
    /// How linear maps start.
    pub start: Start,
    /// Whether what a block adds starts smaller by the root of twice its number.
    pub rescale: bool,
}

impl Blocks {
    /// The tokens after each block; blocks are numbered below `path`.
    pub fn apply(&self, cx: &mut Build, path: &str, x: NodeId, bias: &ScoreBias) -> Result<Vec<NodeId>, ShapeError> {
        let mut outputs = Vec::with_capacity(self.depth);
        let mut x = x;
        for i in 0..self.depth {
            x = cx.block(&format!("{path}.{i}"), |cx| self.block(cx, x, i, bias))?;
            outputs.push(x);
        }
        Ok(outputs)
    }

    fn block(&self, cx: &mut Build, x: NodeId, i: usize, bias: &ScoreBias) -> Result<NodeId, ShapeError> {
        let drop = self.drop_path * i as f64 / (self.depth - 1).max(1) as f64;
        let smaller = if self.rescale { (2.0 * (i + 1) as f64).sqrt() } else { 1.0 };
        let normal = cx.scope("norm1", |cx| NORM.apply(cx, x))?.value;
        let attended = cx.scope("attn", |cx| self.attend(cx, normal, smaller, bias))?;
        let x = self.add(cx, x, attended, "ls1", drop)?;
        let normal = cx.scope("norm2", |cx| NORM.apply(cx, x))?.value;
        let thought = cx.scope("mlp", |cx| self.perceptron(cx, normal, smaller))?;
        self.add(cx, x, thought, "ls2", drop)
    }

    /// Attention; its last map starts `smaller`.
    fn attend(&self, cx: &mut Build, x: NodeId, smaller: f64, bias: &ScoreBias) -> Result<NodeId, ShapeError> {
        let width = cx.features("attention", x)?;
        let packed = Linear { bias: self.qkv_bias, ..Linear::new(3 * width, self.start) };
        let qkv = apply(cx, "qkv", &packed, x)?;
        let bias = bias.of_block(cx, self.heads)?;
        let attended = cx.graph.attention(Attended::Packed(qkv), self.heads, bias)?;
        apply(cx, "proj", &Linear { smaller, ..Linear::new(width, self.start) }, attended)
    }

    /// Two maps with a GELU between; the last starts `smaller`.
    fn perceptron(&self, cx: &mut Build, x: NodeId, smaller: f64) -> Result<NodeId, ShapeError> {
        let width = cx.features("vit", x)?;
        let hidden = linear(cx, "fc1", x, (width as f64 * self.mlp_ratio) as usize, self.start)?;
        let active = cx.graph.gelu(hidden)?;
        apply(cx, "fc2", &Linear { smaller, ..Linear::new(width, self.start) }, active)
    }

    /// `x` and what a block adds, scaled, and left out for some samples.
    fn add(&self, cx: &mut Build, x: NodeId, y: NodeId, scale: &str, drop: f64) -> Result<NodeId, ShapeError> {
        let width = cx.features("vit", x)?;
        let mut y = y;
        if let Some(start) = self.layer_scale {
            let gamma = Init::Constant(start);
            let gamma = cx.scope(scale, |cx| cx.weight("gamma", &[width], gamma, ParamKind::Norm))?;
            y = cx.graph.mul(y, gamma)?;
        }
        if drop > 0.0 && cx.mode == Mode::Train {
            let each = [cx.graph.shape(x).0[0].clone(), Dim::from(1i64), Dim::from(1i64)];
            let kept = cx.graph.drop_mask(&each, drop, cx.stream(y))?;
            y = cx.graph.mul(y, kept)?;
        }
        cx.graph.add(x, y)
    }
}

/// A linear map with a bias under `name`.
pub(super) fn linear(cx: &mut Build, name: &str, x: NodeId, out: usize, start: Start) -> Result<NodeId, ShapeError> {
    apply(cx, name, &Linear::new(out, start), x)
}

fn apply(cx: &mut Build, name: &str, layer: &Linear, x: NodeId) -> Result<NodeId, ShapeError> {
    Ok(cx.scope(name, |cx| layer.apply(cx, x))?.value)
}
