//! What probes of two towers are told: which branch embeds pictures, which one texts, and of which column.

use super::{retrieval, zero_shot};
use crate::catalog::{Config, Param, ParamType};

/// The tower of pictures.
pub const PICTURES: Param =
    Param::required("pictures", ParamType::Selector, "The branch, stage or tap that embeds pictures.");
/// The tower of texts.
pub const TEXTS: Param =
    Param::required("texts", ParamType::Selector, "The branch, stage or tap that embeds texts, of vectors as long.");
/// What it is applied to.
pub const COLUMN: Param = Param::required("column", ParamType::Selector, "The column of text, as in `batch.COLUMN`.");

/// Two towers, and the column of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// The path of what embeds pictures.
    pub pictures: String,
    /// The path of what embeds texts.
    pub texts: String,
    /// The name of the column.
    pub column: String,
}

impl Pairing {
    /// What a checked call says; `None` where the word is no probe of two towers.
    pub fn of(config: &Config) -> Option<Self> {
        (config.is(&retrieval::ENTRY) || config.is(&zero_shot::ENTRY)).then(|| Self::from_config(config))
    }

    pub(super) fn from_config(config: &Config) -> Self {
        let column = config.text("column");
        Self {
            pictures: config.text("pictures").to_owned(),
            texts: config.text("texts").to_owned(),
            column: column.strip_prefix("batch.").unwrap_or(column).to_owned(),
        }
    }
}
