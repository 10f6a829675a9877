//! Images as tokens: patches, the tokens before them, and those of them that are visible.

use crate::graph::ops::tokens::TAKE;
use crate::graph::ops::window::image;
use crate::graph::{Dim, Graph, Init, NodeId, ParamKind, ShapeError};
use crate::nn::linear::Start;
use crate::nn::{Build, MaskInput, Uncounted};
use std::collections::BTreeSet;

/// Rows and columns of patches.
pub(super) type Grid = [usize; 2];

/// The grid of an image of `height` and `width`.
pub(super) fn grid((height, width): (usize, usize), patch: usize) -> Grid {
    [height / patch, width / patch]
}

/// Each patch of an image as a token of `dim` features: a convolution whose filters do not overlap. `[N, T, dim]` and the grid.
/// Weights start as in PyTorch, or by Xavier's rule as those of a linear map of pixels (the masked autoencoder).
pub(super) fn embed(
    cx: &mut Build,
    x: NodeId,
    patch: usize,
    dim: usize,
    start: Start,
) -> Result<(NodeId, Grid), ShapeError> {
    let (pixels, grid) = pixels(cx, x, patch)?;
    let channels = cx.features("vit", x)?;
    let tokens = cx.scope("patch_embed.proj", |cx| {
        let features = channels * patch * patch;
        let rule = if start == Start::Xavier { Start::Xavier } else { Start::Uniform };
        let (first, shift) = (rule.weight(features, dim, 1.0), Start::Uniform.bias(features));
        let weight = cx.weight("weight", &[dim, channels, patch, patch], first, ParamKind::Weight)?;
        let bias = cx.weight("bias", &[dim], shift, ParamKind::Bias)?;
        let weight = cx.graph.reshape(weight, &[Dim::from(dim), Dim::from(channels * patch * patch)])?;
        let product = cx.graph.product(pixels, weight, false, true)?;
        cx.graph.add(product, bias)
    })?;
    Ok((tokens, grid))
}

/// The pixels of each patch, channel by channel as filters have them, `[N, T, channels patch patch]`.
fn pixels(cx: &mut Build, x: NodeId, patch: usize) -> Result<(NodeId, Grid), ShapeError> {
    let g = &mut *cx.graph;
    let shape = g.shape(x).clone();
    let [n, height, width, channels] = image("vit", &shape)?;
    let side = Dim::from(patch);
    let (Some(rows), Some(columns)) = (height.divide(&side), width.divide(&side)) else {
        let sides = [&height, &width].map(|d| d.constant().and_then(|n| usize::try_from(n).ok()));
        let wrong = sides.into_iter().flatten().find(|n| n % patch != 0);
        let near = wrong.map_or_else(String::new, |n| match n / patch * patch {
            0 => format!(", as {patch}"),
            below => format!(", as {below} or {}", below + patch),
        });
        return Err(ShapeError::new(format!("an image {shape} does not divide into patches of {patch} x {patch}"))
            .help(format!("choose another `patch`, or a `size` of the view that is a multiple of it{near}")));
    };
    let known = |d: &Dim| d.constant().and_then(|n| usize::try_from(n).ok());
    let (Some(down), Some(across)) = (known(&rows), known(&columns)) else {
        return Err(ShapeError::new(format!("vit needs to know the size of the images {shape}")));
    };
    let parts = [n.clone(), rows.clone(), side.clone(), columns.clone(), side.clone(), channels.clone()];
    let parted = g.reshape(x, &parts)?;
    let moved = g.permute(parted, &[0, 1, 3, 5, 2, 4])?;
    let flat = g.reshape(moved, &[n.clone(), &rows * &columns, &(channels * &side) * &side])?;
    Ok((flat, [down, across]))
}

/// The mask of the view, if it is one of this grid.
pub(super) fn mask_of(cx: &Build, grid: Grid) -> Result<Option<MaskInput>, ShapeError> {
    match cx.mask {
        Some(mask) if [mask.grid.0, mask.grid.1] == grid => Ok(Some(mask.clone())),
        Some(mask) => {
            let (mask, own) = (format!("{} x {}", mask.grid.0, mask.grid.1), format!("{} x {}", grid[0], grid[1]));
            Err(ShapeError::new(format!("the mask hides patches of a grid of {mask}, the module has {own} patches"))
                .help("give both the same `patch`"))
        }
        None => Ok(None),
    }
}

/// The mask of the view that tokens `[N, V, D]` are the visible patches of, and how many tokens stand before those.
pub(super) fn seen_of(cx: &Build, word: &str, x: NodeId) -> Result<(MaskInput, Dim), ShapeError> {
    let shape = cx.graph.shape(x);
    let [_, count, _] = &shape.0[..] else {
        return Err(ShapeError::new(format!("{word} takes the tokens of an encoder, [N, V, D], not {shape}"))
            .help("put it behind the tap `tokens`: `on encoder.tokens`"));
    };
    let Some(mask) = cx.mask else {
        return Err(ShapeError::new(format!("{word} fills what is hidden, but it is applied to no masked view"))
            .help("apply the branch to a view such as `m: a | mask(random, ratio: 0.75)`"));
    };
    let visible = mask.visible.map_err(uncounted)?;
    let before = count - &cx.graph.shape(visible).0[1];
    if before.constant().is_some_and(|n| n >= 0) && is_taken(cx.graph, x, visible) {
        return Ok((mask.clone(), before));
    }
    Err(ShapeError::new(format!(
        "{word} is given {count} tokens, but {} patches are visible",
        cx.graph.shape(visible).0[1]
    ))
    .help("the encoder before it must be told `masked: drop`"))
}

/// Whether `x` is computed from rows that were taken by the numbers `visible`.
fn is_taken(graph: &Graph, x: NodeId, visible: NodeId) -> bool {
    let (mut open, mut seen) = (vec![x], BTreeSet::new());
    while let Some(id) = open.pop() {
        let node = graph.node(id);
        if node.is(&TAKE) && node.inputs[1] == visible {
            return true;
        }
        if seen.insert(id) {
            open.extend(&node.inputs);
        }
    }
    false
}

/// Why visible patches cannot stand in a tensor of their own.
pub(super) fn uncounted(why: Uncounted) -> ShapeError {
    match why {
        Uncounted::Varies => ShapeError::new("to leave out hidden patches, as many must be visible in every sample")
            .help("give the mask one `ratio` and no `chance`, or take `masked: replace`"),
        Uncounted::None => ShapeError::new("no patch is visible: the mask hides all of them")
            .help("choose a smaller `ratio`, or take `masked: replace`"),
    }
}

/// The visible tokens `[N, V, D]` in their places among `patches`, and `hole [1, 1, D]` in all others.
pub(super) fn put(
    cx: &mut Build,
    seen: NodeId,
    mask: &MaskInput,
    patches: usize,
    hole: NodeId,
) -> Result<NodeId, ShapeError> {
    let visible = mask.visible.map_err(uncounted)?;
    let spread = cx.graph.place(seen, visible, &Dim::from(patches))?;
    hide(cx, spread, mask.hides, hole)
}

/// `hole [1, 1, D]` in the place of every token that `hides [N, T]` names.
pub(super) fn hide(cx: &mut Build, tokens: NodeId, hides: NodeId, hole: NodeId) -> Result<NodeId, ShapeError> {
    let mut dims = cx.graph.shape(hides).0.clone();
    dims.push(Dim::from(1i64));
    let hides = cx.graph.reshape(hides, &dims)?;
    cx.graph.select(hides, hole, tokens)
}

/// A trained token `[1, 1, D]` under `name`.
pub(super) fn token(cx: &mut Build, name: &str, count: usize, dim: usize, std: f64) -> Result<NodeId, ShapeError> {
    cx.weight(name, &[1, count, dim], Init::Normal(std), ParamKind::Token)
}

/// `tokens [1, P, D]` before those of every sample.
pub(super) fn prepend(cx: &mut Build, prefix: NodeId, tokens: NodeId) -> Result<NodeId, ShapeError> {
    let g = &mut *cx.graph;
    let n = g.shape(tokens).0[0].clone();
    let mut dims = g.shape(prefix).0.clone();
    dims[0] = n;
    let repeated = g.broadcast_to(prefix, &dims)?;
    g.concat(&[repeated, tokens], 1)
}
