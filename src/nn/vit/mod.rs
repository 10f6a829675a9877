//! Vision transformers (Dosovitskiy et al. 2021), with timm's layers and parameter names.

mod block;
mod decoder;
mod patches;
mod positions;
mod predictor;
mod words;

pub use decoder::LAYER as DECODER;
pub use predictor::LAYER as PREDICTOR;
pub use words::{BASE, SMALL, TINY, VIT};

use super::{Build, Module, Output, Peer, Table, Transformer};
use crate::graph::{Dim, NodeId, ShapeError};
use block::{Blocks, NORM, STD};
use patches::Grid;
use positions::{Positions, ScoreBias};

/// A vision transformer.
#[derive(Clone, Copy, Debug)]
struct Vit {
    /// Features of a token.
    dim: usize,
    /// The side of a patch in pixels.
    patch: usize,
    /// Whether there is a class token.
    class: bool,
    /// Tokens that nothing reads.
    registers: usize,
    positions: Positions,
    /// The side of the images that positions are made for.
    size: Option<usize>,
    pool: Pool,
    /// Of a masked view, whether hidden patches are left out (or replaced); `None` if it takes none.
    drops: Option<bool>,
    blocks: Blocks,
}

/// What becomes the result.
#[derive(Clone, Copy, Debug)]
enum Pool {
    /// The class token.
    Class,
    /// The mean of the patches.
    Mean,
}

impl Vit {
    /// How many tokens stand before the patches.
    fn prefix(&self) -> usize {
        usize::from(self.class) + self.registers
    }

    /// The grid that positions are made for, given that of the images at hand.
    fn base(&self, cx: &Build, grid: Grid) -> Grid {
        let image = self.size.map(|side| (side, side)).or(cx.image);
        image.map_or(grid, |image| patches::grid(image, self.patch).map(|n| n.max(1)))
    }

    /// The patches that are seen, with their places, and the tokens before them.
    fn tokens(&self, cx: &mut Build, x: NodeId) -> Result<(NodeId, Grid), ShapeError> {
        let (mut x, grid) = patches::embed(cx, x, self.patch, self.dim, self.blocks.start)?;
        let mask = patches::mask_of(cx, grid)?;
        if let (Some(mask), Some(false)) = (&mask, self.drops) {
            let hole = patches::token(cx, "mask_token", 1, self.dim, STD)?;
            x = patches::hide(cx, x, mask.hides, hole)?;
        }
        let base = self.base(cx, grid);
        let places = self.positions.places(cx, self.class, [base, grid], self.dim)?;
        if let Some(places) = places {
            x = cx.graph.add(x, places.patches)?;
        }
        if let (Some(mask), Some(true)) = (&mask, self.drops) {
            let visible = mask.visible.map_err(patches::uncounted)?;
            x = cx.graph.take(x, visible)?;
        }
        Ok((self.prepend(cx, x, places.and_then(|p| p.class))?, grid))
    }

    /// Class token and registers before the patches.
    fn prepend(&self, cx: &mut Build, x: NodeId, place: Option<NodeId>) -> Result<NodeId, ShapeError> {
        let mut prefix = Vec::new();
        if self.class {
            let class = patches::token(cx, "cls_token", 1, self.dim, 1e-6)?;
            prefix.push(match place {
                Some(place) => cx.graph.add(class, place)?,
                None => class,
            });
        }
        if self.registers > 0 {
            prefix.push(patches::token(cx, "reg_token", self.registers, self.dim, 1e-6)?);
        }
        if prefix.is_empty() {
            return Ok(x);
        }
        let prefix = cx.graph.concat(&prefix, 1)?;
        patches::prepend(cx, prefix, x)
    }

    /// What is added to scores of attention.
    fn score_bias(&self, cx: &mut Build, grid: Grid) -> Result<ScoreBias, ShapeError> {
        let base = self.base(cx, grid);
        if self.positions.is_relative() && base != grid {
            let [base, grid] = [base, grid].map(|[rows, columns]| format!("{rows} x {columns}"));
            return Err(ShapeError::new(format!("relative positions of {base} patches do not fit {grid}"))
                .help("positions `learnt` or `sincos2d` are interpolated; or give `size`"));
        }
        self.positions.bias(cx, self.prefix(), grid, self.blocks.heads)
    }

    /// Result and taps, from the tokens behind the last norm and those after each block.
    fn output(&self, cx: &mut Build, tokens: NodeId, blocks: &[NodeId]) -> Result<Output, ShapeError> {
        let patches = self.behind(cx, tokens)?;
        let mut taps = vec![("patches".to_owned(), patches), ("tokens".to_owned(), tokens)];
        for (i, &block) in blocks.iter().enumerate() {
            taps.push((format!("blocks.{i}"), self.behind(cx, block)?));
        }
        if self.class {
            let first = cx.graph.slice(tokens, 1, &Dim::default(), &Dim::from(1i64))?;
            let n = cx.graph.shape(tokens).0[0].clone();
            taps.insert(0, ("cls".to_owned(), cx.graph.reshape(first, &[n, Dim::from(self.dim)])?));
        }
        let value = match self.pool {
            Pool::Class => taps[0].1,
            Pool::Mean => cx.graph.mean(patches, &[1], false)?,
        };
        Ok(Output { value, taps })
    }

    /// The tokens behind those that are no patches.
    fn behind(&self, cx: &mut Build, x: NodeId) -> Result<NodeId, ShapeError> {
        let prefix = Dim::from(self.prefix());
        let count = cx.graph.shape(x).0[1].clone();
        cx.graph.slice(x, 1, &prefix, &(&count - &prefix))
    }
}

impl Module for Vit {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let (x, grid) = self.tokens(cx, x)?;
        let bias = self.score_bias(cx, grid)?;
        let blocks = self.blocks.apply(cx, "blocks", x, &bias)?;
        let last = blocks.last().copied().unwrap_or(x);
        let tokens = cx.scope("norm", |cx| NORM.apply(cx, last))?.value;
        self.output(cx, tokens, &blocks)
    }

    fn takes_mask(&self) -> bool {
        self.drops.is_some()
    }

    fn peer(&self) -> Option<Peer> {
        let Self { dim, patch, class, registers, positions, size, pool, blocks, .. } = *self;
        let positions = match positions {
            Positions::Learnt => Table::Learnt,
            Positions::Sincos => Table::Sines,
            Positions::None => Table::None,
            Positions::Relative | Positions::RelativeEach => return None,
        };
        let Blocks { depth, heads, mlp_ratio, qkv_bias, layer_scale, .. } = blocks;
        let mean = matches!(pool, Pool::Mean);
        Some(Peer::Vit(Transformer {
            dim,
            depth,
            heads,
            mlp_ratio,
            patch,
            class,
            registers,
            positions,
            size,
            mean,
            qkv_bias,
            layer_scale,
        }))
    }
}
