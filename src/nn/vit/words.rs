//! The words for vision transformers.

use super::block::Blocks;
use super::positions::Positions;
use super::{Pool, Vit};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::nn::linear::{self, Start};
use crate::nn::{Layer, MASKED, Module};

/// `vit(dim, depth, heads)`
pub static VIT: Layer = Layer {
    entry: entry(
        "vit",
        &OF_ANY_SIZE,
        "A vision transformer (Dosovitskiy et al. 2021), as timm's without its classifier; weights start as in timm.",
    ),
    build: |config| build(config, ["dim", "depth", "heads"].map(|name| config.int(name))),
};

/// `vit_tiny()`
pub static TINY: Layer = Layer {
    entry: entry(
        "vit_tiny",
        &SHARED,
        "A vision transformer of 12 blocks of width 192 with 3 heads (Touvron et al. 2021).",
    ),
    build: |config| build(config, [192, 12, 3]),
};

/// `vit_small()`
pub static SMALL: Layer = Layer {
    entry: entry(
        "vit_small",
        &SHARED,
        "A vision transformer of 12 blocks of width 384 with 6 heads (Touvron et al. 2021).",
    ),
    build: |config| build(config, [384, 12, 6]),
};

/// `vit_base()`
pub static BASE: Layer = Layer {
    entry: entry(
        "vit_base",
        &SHARED,
        "A vision transformer of 12 blocks of width 768 with 12 heads (Dosovitskiy et al. 2021).",
    ),
    build: |config| build(config, [768, 12, 12]),
};

const fn entry(name: &'static str, params: &'static [Param], doc: &'static str) -> Entry {
    let formula = "[N, H, W, 3] -> [N, dim], taps `cls` [N, dim], `patches` [N, T, dim], `tokens` (both), `blocks[i]` [N, T, dim]";
    Entry { name, kind: Kind::Layer, params, formula, doc }
}

pub(super) const COUNT: ParamType = ParamType::Int { min: 1, max: 1 << 16 };

/// The width of perceptrons.
pub(super) const MLP_RATIO: Param = Param::optional(
    "mlp_ratio",
    ParamType::Number { min: 0.01, max: 64.0 },
    "4",
    "the width of the perceptrons by the tokens'",
);

/// How linear maps, the embedding of patches among them, start.
pub(super) const INIT: Param = linear::init("trunc_normal");

/// How many blocks, with a default.
pub(super) const fn depth(default: &'static str) -> Param {
    Param::optional("depth", COUNT, default, "how many blocks")
}

/// How many heads, with a default.
pub(super) const fn heads(default: &'static str) -> Param {
    Param::optional("heads", COUNT, default, "parts of the features that attend apart")
}

/// The plain blocks of a narrow transformer behind an encoder.
pub(super) fn blocks(config: &Config, dim: usize) -> Result<Blocks, String> {
    let heads = config.int("heads");
    divides(dim, heads)?;
    if !dim.is_multiple_of(4) {
        return Err(format!("positions of sines and cosines need a width that is a multiple of 4, not {dim}"));
    }
    let (depth, mlp_ratio) = (config.int("depth"), config.number("mlp_ratio"));
    Ok(Blocks {
        depth,
        heads,
        mlp_ratio,
        qkv_bias: true,
        layer_scale: None,
        drop_path: 0.0,
        start: Start::from_config(config),
        rescale: false,
    })
}

fn divides(dim: usize, heads: usize) -> Result<(), String> {
    if dim.is_multiple_of(heads) { Ok(()) } else { Err(format!("a width of {dim} does not divide into {heads} heads")) }
}

/// What every vision transformer can be told.
const SHARED: [Param; 13] = [
    Param::optional("patch", COUNT, "16", "the side of a patch in pixels"),
    MLP_RATIO,
    Param::optional("cls", ParamType::Bool, "true", "whether there is a class token"),
    Param::optional(
        "registers",
        ParamType::Int { min: 0, max: 256 },
        "0",
        "tokens without a place that nothing reads (Darcet et al. 2024)",
    ),
    Param::optional(
        "positions",
        ParamType::Choice(Positions::WORDS),
        "learnt",
        "how tokens know where they stand: `learnt` vectors, fixed sines and cosines (`sincos2d`, He et al. 2022), a trained bias of the \
         scores by distance (`relative` for all blocks, `relative_each` for each; Bao et al. 2022), or `none`",
    ),
    Param::optional(
        "size",
        ParamType::Int { min: 1, max: 1 << 14 },
        "none",
        "the side of the images that positions are made for; others get them interpolated (bicubic). Left out, it is the largest \
         view of the recipe",
    ),
    Param::optional(
        "pool",
        ParamType::Choice(&["cls", "mean"]),
        "none",
        "the result: the class token (`cls`) or the `mean` of the patches; left out, the class token if there is one, else the mean",
    ),
    Param::optional(
        MASKED,
        ParamType::Choice(&["drop", "replace"]),
        "none",
        "what becomes of the hidden patches of a masked view: `drop` leaves them out, `replace` puts a trained token in their place",
    ),
    Param::optional("qkv_bias", ParamType::Bool, "true", "whether queries, keys and values have a bias"),
    Param::optional(
        "drop_path",
        ParamType::Number { min: 0.0, max: 0.999 },
        "0",
        "how often the last block is left out for a sample while training, rising linearly over the depth (Huang et al. 2016)",
    ),
    Param::optional(
        "layer_scale",
        ParamType::Number { min: 0.0, max: 1.0 },
        "none",
        "where the trained scale of what a block adds starts, if it has one (Touvron et al. 2021)",
    ),
    Param::optional(
        "rescale",
        ParamType::Bool,
        "false",
        "whether the last maps of block i start smaller by sqrt(2 i) (Bao et al. 2022)",
    ),
    INIT,
];

/// The sizes of a transformer of one's own.
const OWN: [Param; 3] = [
    Param::required("dim", COUNT, "features of a token"),
    Param::required("depth", COUNT, "how many blocks"),
    Param::required("heads", COUNT, "parts of the features that attend apart"),
];

const OF_ANY_SIZE: [Param; 16] = {
    let mut all = [OWN[0]; 16];
    let mut i = 0;
    while i < all.len() {
        all[i] = if i < OWN.len() { OWN[i] } else { SHARED[i - OWN.len()] };
        i += 1;
    }
    all
};

fn build(config: &Config, [dim, depth, heads]: [usize; 3]) -> Result<Box<dyn Module>, String> {
    let (class, registers) = (config.bool("cls"), config.int("registers"));
    let positions = Positions::parse(config.text("positions"));
    divides(dim, heads)?;
    if positions == Positions::Sincos && !dim.is_multiple_of(4) {
        return Err(format!("positions of sines and cosines need a width that is a multiple of 4, not {dim}"));
    }
    let pool = match config.text("pool") {
        "cls" if !class => return Err("`pool: cls` needs a class token, but `cls` is false".to_owned()),
        "mean" => Pool::Mean,
        _ if class => Pool::Class,
        _ => Pool::Mean,
    };
    if positions.is_relative() && config.text(MASKED) == "drop" {
        return Err(
            "with `masked: drop`, positions cannot be `relative`: which patches are left differs between samples"
                .to_owned(),
        );
    }
    let blocks = Blocks {
        depth,
        heads,
        mlp_ratio: config.number("mlp_ratio"),
        qkv_bias: config.bool("qkv_bias"),
        layer_scale: config.maybe_number("layer_scale"),
        drop_path: config.number("drop_path"),
        start: Start::from_config(config),
        rescale: config.bool("rescale"),
    };
    let patch = config.int("patch");
    let size = config.maybe_number("size").map(|side| side as usize);
    if let Some(side) = size.filter(|side| !side.is_multiple_of(patch)) {
        return Err(format!("a `size` of {side} does not divide into patches of {patch}"));
    }
    let masked = Some(config.text(MASKED)).filter(|word| !word.is_empty()).map(|word| word == "drop");
    Ok(Box::new(Vit { dim, patch, class, registers, positions, size, pool, drops: masked, blocks }))
}
