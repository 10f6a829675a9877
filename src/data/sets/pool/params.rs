//! Arguments that all sets of pictures of any size have.

use crate::catalog::{Param, ParamType};
use crate::data::MOST_CHANNELS;

/// A number of pictures or pixels.
pub const COUNT: ParamType = ParamType::Int { min: 1, max: 1 << 40 };

/// What pictures are taken for.
pub const SIZE: Param = Param::optional(
    "size",
    ParamType::Numbers,
    "96",
    "Height and width that pictures are taken to have, one number or [height, width]: what views and crops are relative to.",
);
/// How many are judged on.
pub const TEST: Param = Param::optional(
    "test",
    ParamType::Number { min: 0.001, max: 0.9 },
    "0.1",
    "The share of each class that is judged on, drawn by `seed`, where the data do not say which pictures are.",
);
/// What stays together.
pub const GROUP: Param = Param::optional(
    "group",
    ParamType::Text,
    "none",
    "A pattern of names: pictures with the same text at `{}` stay on one side of the split, as in \"*/{}_*.jpg\".",
);
/// How many are trained on.
pub const MOST: Param = Param::optional("most", COUNT, "none", "Only so many training pictures, drawn at random.");
/// What draws the split.
pub const SEED: Param =
    Param::optional("seed", ParamType::Int { min: 0, max: 1 << 53 }, "0", "Another seed, another split.");
/// How pixels are normalised.
pub const MEAN: Param =
    Param::optional("mean", ParamType::Numbers, "none", "Mean of each channel, of 1; measured on 256 pictures.");
/// How pixels are normalised.
pub const STD: Param = Param::optional("std", ParamType::Numbers, "none", "Their standard deviation; measured, too.");
/// What a pixel is.
pub const CHANNEL_COUNT: Param = Param::optional(
    "channels",
    ParamType::Int { min: 1, max: MOST_CHANNELS as i64 },
    "none",
    "Values that every pixel has; 3 where nobody says it. Where somebody does, arrays [H, W, C] of numpy's `.npy` are pictures, too.",
);
/// What is a picture.
pub const MAX_PIXELS: Param =
    Param::optional("max_pixels", COUNT, "1e8", "A picture that says it has more is left out.");
