//! A predictor of the tokens at given places from those at others (Assran et al. 2023).

use super::block::{Blocks, NORM, STD, linear};
use super::patches::{seen_of, token, uncounted};
use super::positions::ScoreBias;
use super::words::{COUNT, INIT, MLP_RATIO, blocks, depth, heads};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::graph::{Dim, NodeId, ShapeError};
use crate::nn::{Build, Layer, MaskInput, Module, Output, Uncounted};

/// `vit_predictor()`
pub static LAYER: Layer = Layer {
    entry: Entry {
        name: "vit_predictor",
        kind: Kind::Layer,
        params: &[
            Param::optional("dim", COUNT, "384", "features of a token inside"),
            depth("6"),
            heads("12"),
            Param::optional(
                "out",
                ParamType::Int { min: 1, max: 1 << 20 },
                "none",
                "features of a prediction; those of the tokens it is given, when left out",
            ),
            MLP_RATIO,
            INIT,
        ],
        formula: "visible tokens [N, V, D] -> [N, M, out]",
        doc: "The predictor of joint embeddings of blocks (Assran et al. 2023): a narrow transformer on the visible tokens and, for \
              each place to predict, a trained token with that place's position. The places are those of the mask's targets, each \
              target by itself, one behind the other, or where it has none the hidden patches. It stands behind an encoder with \
              `masked: drop`, as in `predictor: vit_predictor(..) on encoder.tokens`.",
    },
    build,
};

/// A transformer that predicts tokens at places.
#[derive(Clone, Copy, Debug)]
struct Predictor {
    /// Features of a token inside.
    dim: usize,
    /// Features of a prediction.
    out: Option<usize>,
    blocks: Blocks,
}

fn build(config: &Config) -> Result<Box<dyn Module>, String> {
    let dim = config.int("dim");
    let out = config.maybe_number("out").map(|out| out as usize);
    Ok(Box::new(Predictor { dim, out, blocks: blocks(config, dim)? }))
}

impl Module for Predictor {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let (mask, before) = seen_of(cx, "vit_predictor", x)?;
        let out = self.out.map_or_else(|| cx.features("vit_predictor", x), Ok)?;
        let targets: Vec<NodeId> = match mask.targets.as_slice() {
            [] => vec![mask.hidden.map_err(unhidden)?],
            targets => targets.to_vec(),
        };
        let [n, count] = [0, 1].map(|i| cx.graph.shape(targets[0]).0[i].clone());
        let positions = self.positions(cx, [mask.grid.0, mask.grid.1], &n)?;
        let context = self.context(cx, x, positions, &mask, &before)?;
        let sought = self.sought(cx, positions, &targets)?;
        // Each target is predicted by itself: the context is repeated for it.
        let context = cx.graph.concat(&vec![context; targets.len()], 0)?;
        let length = cx.graph.shape(context).0[1].clone();
        let whole = cx.graph.concat(&[context, sought], 1)?;
        let outputs = self.blocks.apply(cx, "predictor_blocks", whole, &ScoreBias::None)?;
        let last = outputs.last().copied().unwrap_or(whole);
        let normal = cx.scope("predictor_norm", |cx| NORM.apply(cx, last))?.value;
        let sought = cx.graph.slice(normal, 1, &length, &count)?;
        let found = linear(cx, "predictor_proj", sought, out, self.blocks.start)?;
        by_sample(cx, found, [Dim::from(targets.len()), n, count, Dim::from(out)]).map(Output::from)
    }

    fn takes_mask(&self) -> bool {
        true
    }
}

impl Predictor {
    /// The positions of all patches, for every sample.
    fn positions(&self, cx: &mut Build, grid: [usize; 2], n: &Dim) -> Result<NodeId, ShapeError> {
        let table = cx.graph.sincos(grid, grid, self.dim)?;
        cx.graph.broadcast_to(table, &[n.clone(), Dim::from(grid[0] * grid[1]), Dim::from(self.dim)])
    }

    /// The visible tokens with their positions; those `before` them have none.
    fn context(
        &self,
        cx: &mut Build,
        x: NodeId,
        positions: NodeId,
        mask: &MaskInput,
        before: &Dim,
    ) -> Result<NodeId, ShapeError> {
        let x = linear(cx, "predictor_embed", x, self.dim, self.blocks.start)?;
        let visible = mask.visible.map_err(uncounted)?;
        let mut places = cx.graph.take(positions, visible)?;
        if !before.is(0) {
            places = cx.graph.pad(places, 1, before, &Dim::default())?;
        }
        cx.graph.add(x, places)
    }

    /// A trained token with its position for every place of every target, the targets one below the other.
    fn sought(&self, cx: &mut Build, positions: NodeId, targets: &[NodeId]) -> Result<NodeId, ShapeError> {
        let hole = token(cx, "mask_token", 1, self.dim, STD)?;
        let places = targets.iter().map(|&target| cx.graph.take(positions, target)).collect::<Result<Vec<_>, _>>()?;
        let places = cx.graph.concat(&places, 0)?;
        cx.graph.add(places, hole)
    }
}

/// Why hidden patches cannot be predicted.
fn unhidden(why: Uncounted) -> ShapeError {
    match why {
        Uncounted::Varies => ShapeError::new("to predict hidden patches, as many must be hidden in every sample")
            .help("give the mask one `ratio` and no `chance`"),
        Uncounted::None => {
            ShapeError::new("there is no hidden patch to predict: the mask hides none").help("choose a larger `ratio`")
        }
    }
}

/// `[targets N, M, out] -> [N, targets M, out]`
fn by_sample(cx: &mut Build, x: NodeId, dims: [Dim; 4]) -> Result<NodeId, ShapeError> {
    let [targets, n, count, out] = dims.clone();
    let parted = cx.graph.reshape(x, &dims)?;
    let turned = cx.graph.permute(parted, &[1, 0, 2, 3])?;
    cx.graph.reshape(turned, &[n, &targets * &count, out])
}
