//! A decoder of visible patches: what stands in the hidden places (He et al. 2022).

use super::block::{Blocks, NORM, STD, linear};
use super::patches::{put, seen_of, token};
use super::positions::ScoreBias;
use super::words::{COUNT, INIT, MLP_RATIO, blocks, depth, heads};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::graph::{Dim, Graph, InputKind, NodeId, ShapeError};
use crate::nn::{Build, Layer, Module, Output};

/// `vit_decoder()`
pub static LAYER: Layer = Layer {
    entry: Entry {
        name: "vit_decoder",
        kind: Kind::Layer,
        params: &[
            Param::optional("dim", COUNT, "512", "features of a token"),
            depth("8"),
            heads("16"),
            Param::optional("patch", COUNT, "16", "the side of a patch in pixels"),
            Param::optional(
                "out",
                ParamType::Int { min: 1, max: 1 << 20 },
                "none",
                "features for each patch; those of its pixels, as many as channels times patch^2, when left out",
            ),
            MLP_RATIO,
            INIT,
        ],
        formula: "visible tokens [N, V, D] -> [N, T, out]",
        doc: "The decoder of masked autoencoders (He et al. 2022): a narrow transformer on the visible tokens, put back in their places \
              beside a trained token in every hidden one, with fixed positions, and a linear map to the pixels of each patch, in the \
              order of `patches`. It stands behind an encoder with `masked: drop`, as in `decoder: vit_decoder(..) on encoder.tokens`.",
    },
    build,
};

/// Channels of a picture where nothing tells them: red, green and blue.
const COLOURS: usize = 3;

/// A transformer that fills hidden places.
#[derive(Clone, Copy, Debug)]
struct Decoder {
    /// Features of a token.
    dim: usize,
    /// Features for each patch; those of its pixels where `None`.
    out: Option<usize>,
    /// The side of a patch in pixels.
    patch: usize,
    blocks: Blocks,
}

fn build(config: &Config) -> Result<Box<dyn Module>, String> {
    let (dim, patch) = (config.int("dim"), config.int("patch"));
    let out = config.maybe_number("out").map(|out| out as usize);
    Ok(Box::new(Decoder { dim, out, patch, blocks: blocks(config, dim)? }))
}

/// Channels of the pictures that a recipe sees, all of which have the same; three where it sees none.
fn channels(graph: &Graph) -> usize {
    let mut views = graph.inputs.iter().filter(|input| matches!(input.kind, InputKind::View(_)));
    let last = views.next().and_then(|view| view.ty.shape.0.last()?.constant());
    last.and_then(|count| usize::try_from(count).ok()).unwrap_or(COLOURS)
}

impl Module for Decoder {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let (mask, before) = seen_of(cx, "vit_decoder", x)?;
        let grid = [mask.grid.0, mask.grid.1];
        let patches = grid[0] * grid[1];
        let x = linear(cx, "decoder_embed", x, self.dim, self.blocks.start)?;
        let hole = token(cx, "mask_token", 1, self.dim, STD)?;
        let count = cx.graph.shape(x).0[1].clone();
        let seen = cx.graph.slice(x, 1, &before, &(&count - &before))?;
        let whole = put(cx, seen, &mask, patches, hole)?;
        let positions = cx.graph.sincos(grid, grid, self.dim)?;
        let mut whole = cx.graph.add(whole, positions)?;
        if !before.is(0) {
            let first = cx.graph.slice(x, 1, &Dim::default(), &before)?;
            whole = cx.graph.concat(&[first, whole], 1)?;
        }
        let outputs = self.blocks.apply(cx, "decoder_blocks", whole, &ScoreBias::None)?;
        let last = outputs.last().copied().unwrap_or(whole);
        let normal = cx.scope("decoder_norm", |cx| NORM.apply(cx, last))?.value;
        let normal = cx.graph.slice(normal, 1, &before, &Dim::from(patches))?;
        let out = self.out.unwrap_or_else(|| channels(cx.graph) * self.patch * self.patch);
        Ok(linear(cx, "decoder_pred", normal, out, self.blocks.start)?.into())
    }

    fn takes_mask(&self) -> bool {
        true
    }
}
