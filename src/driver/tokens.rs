//! Warns where large pictures are cut into very many patches, before anyone waits for the training.

use super::need::Need;
use crate::check::Recipe;
use crate::compile::bytes;
use crate::diag::{Code, Diagnostic};
use crate::graph::Node;
use crate::graph::ops::attention::ATTENTION;

/// As many tokens as patches of 16 make of pictures of 512.
const MANY: i64 = 1024;

/// A warning where attention is among more tokens than that, with their number and the memory that a training takes.
pub(super) fn many_tokens(recipe: &Recipe) -> Option<Diagnostic> {
    let graph = &recipe.graph;
    let tokens = |node: &Node| graph.shape(*node.inputs.first()?).0.get(1)?.constant();
    let attends = graph.nodes().filter(|(_, node)| node.is(&ATTENTION));
    let counted = attends.filter_map(|(_, node)| Some((tokens(node)?, node.span?)));
    // The first of equals, which is the place where a reader looks first.
    let (count, span) = counted.reduce(|most, next| if next.0 > most.0 { next } else { most })?;
    if count <= MANY {
        return None;
    }
    let takes = Need::of(recipe).map_or_else(String::new, |need| format!(", and {} are needed", bytes(need.total())));
    let message = format!(
        "attention compares {count} tokens of each view with each other: its time grows with the square of their number{takes}"
    );
    let help = "larger patches make fewer tokens: twice the side makes a quarter of them, as in `vit(.., patch: 8)` instead of 4";
    Some(Diagnostic::warning(Code::TOO_LARGE, span, message).help(help))
}
