//! Where tokens stand: learnt positions, sines and cosines, or a bias of the scores by distance.

use super::block::STD;
use super::patches::Grid;
use crate::graph::{Dim, Init, NodeId, ParamKind, ShapeError};
use crate::nn::Build;

/// How tokens know where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Positions {
    /// A trained vector for each place.
    Learnt,
    /// Fixed sines and cosines.
    Sincos,
    /// A trained bias of the scores for each distance, the same in every block.
    Relative,
    /// A trained bias of the scores for each distance and block.
    RelativeEach,
    /// They do not.
    None,
}

impl Positions {
    /// The choices as they are written.
    pub const WORDS: &'static [&'static str] = &["learnt", "sincos2d", "relative", "relative_each", "none"];

    /// Reads a choice.
    pub fn parse(word: &str) -> Self {
        match word {
            "learnt" => Positions::Learnt,
            "sincos2d" => Positions::Sincos,
            "relative" => Positions::Relative,
            "relative_each" => Positions::RelativeEach,
            _ => Positions::None,
        }
    }

    /// The positions of a grid, made for a grid `base` and interpolated for others; `None` if tokens have none of their own.
    pub fn places(
        self,
        cx: &mut Build,
        class: bool,
        [base, grid]: [Grid; 2],
        dim: usize,
    ) -> Result<Option<Places>, ShapeError> {
        let count = base[0] * base[1];
        match self {
            Positions::Sincos => {
                let table = cx.graph.sincos(grid, base, dim)?;
                let patches = cx.graph.reshape(table, &[1, grid[0] * grid[1], dim].map(Dim::from))?;
                Ok(Some(Places { class: None, patches }))
            }
            Positions::Learnt => {
                let shape = [1, count + usize::from(class), dim];
                let all = cx.weight("pos_embed", &shape, Init::TruncatedNormal(STD), ParamKind::Token)?;
                let mut cut =
                    |start: usize, length: usize| cx.graph.slice(all, 1, &Dim::from(start), &Dim::from(length));
                let first = if class { Some(cut(0, 1)?) } else { None };
                let patches = cut(usize::from(class), count)?;
                let patches = if base == grid { patches } else { interpolate(cx, patches, base, grid, dim)? };
                Ok(Some(Places { class: first, patches }))
            }
            Positions::Relative | Positions::RelativeEach | Positions::None => Ok(None),
        }
    }

    /// The bias of the scores for `prefix` tokens before a grid.
    pub fn bias(self, cx: &mut Build, prefix: usize, grid: Grid, heads: usize) -> Result<ScoreBias, ShapeError> {
        Ok(match self {
            Positions::Relative => {
                ScoreBias::Shared(cx.scope("rel_pos_bias", |cx| relative_bias(cx, prefix, grid, heads))?)
            }
            Positions::RelativeEach => ScoreBias::Each(prefix, grid),
            Positions::Learnt | Positions::Sincos | Positions::None => ScoreBias::None,
        })
    }

    /// Whether positions are a bias of the scores.
    pub fn is_relative(self) -> bool {
        matches!(self, Positions::Relative | Positions::RelativeEach)
    }
}

/// What is added to tokens to tell where they stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// To the class token, `[1, 1, D]`.
    pub class: Option<NodeId>,
    /// To the patches, `[1, T, D]`.
    pub patches: NodeId,
}

/// The positions of another grid: bicubic, as timm does it.
fn interpolate(cx: &mut Build, x: NodeId, from: Grid, to: Grid, dim: usize) -> Result<NodeId, ShapeError> {
    let g = &mut *cx.graph;
    let lines = g.reshape(x, &[from[0], from[1] * dim].map(Dim::from))?;
    let down = g.resampling(from[0], to[0])?;
    let lines = g.matmul(down, lines)?;
    let rows = g.reshape(lines, &[to[0], from[1], dim].map(Dim::from))?;
    let across = g.resampling(from[1], to[1])?;
    let rows = g.matmul(across, rows)?;
    g.reshape(rows, &[1, to[0] * to[1], dim].map(Dim::from))
}

/// What is added to the scores of attention.
#[derive(Clone, Copy, Debug)]
pub(super) enum ScoreBias {
    /// Nothing.
    None,
    /// The same in every block.
    Shared(NodeId),
    /// A bias of each block's own, for so many tokens before a grid.
    Each(usize, Grid),
}

impl ScoreBias {
    /// The bias `[heads, L, L]` of the block that `cx` builds.
    pub fn of_block(&self, cx: &mut Build, heads: usize) -> Result<Option<NodeId>, ShapeError> {
        match *self {
            ScoreBias::None => Ok(None),
            ScoreBias::Shared(bias) => Ok(Some(bias)),
            ScoreBias::Each(prefix, grid) => relative_bias(cx, prefix, grid, heads).map(Some),
        }
    }
}

/// A trained number for each head and distance of patches, laid out for every pair of tokens (Bao et al. 2022).
fn relative_bias(cx: &mut Build, prefix: usize, grid: Grid, heads: usize) -> Result<NodeId, ShapeError> {
    let distances = (2 * grid[0] - 1) * (2 * grid[1] - 1) + if prefix > 0 { 3 } else { 0 };
    let init = Init::TruncatedNormal(STD);
    let table = cx.weight("relative_position_bias_table", &[distances, heads], init, ParamKind::Weight)?;
    let g = &mut *cx.graph;
    let length = prefix + grid[0] * grid[1];
    let index = g.relative(prefix, grid)?;
    let index = g.reshape(index, &[Dim::from(length * length)])?;
    let each = g.index_select(table, index, 0)?;
    let each = g.transpose_last(each)?;
    g.reshape(each, &[heads, length, length].map(Dim::from))
}
