//! Why a statement could not be read, in words.

use std::ops::Range;

use super::grammar::Rule;
use super::wording::slip;
use crate::diag::Diagnostic;
use crate::source::{FileId, Span};

/// Says why `text[region]` is not what `rule` reads.
pub(super) fn explain(file: FileId, _text: &str, region: Range<usize>, _rule: Rule) -> Diagnostic {
    slip(Span::new(file, region), "this line cannot be read")
}
