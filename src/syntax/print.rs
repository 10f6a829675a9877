//! The text of a syntax tree that stands in no text: of parts from several files, with values replaced. Its layout is that of
//! `sslrun fmt`.

use super::ast::{Expr, ItemKind, Let};
use super::format;

/// Statements, a blank line between them.
pub fn statements(kinds: &[ItemKind]) -> String {
    kinds.iter().map(format::statement).collect::<Vec<_>>().join("\n")
}

/// A definition.
pub fn definition(definition: &Let) -> String {
    format::definition(definition)
}

/// An expression in one line.
pub fn expression(expr: &Expr) -> String {
    format::expression(expr)
}

/// A string literal.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t"))
}

/// A number, as short as it can be read back.
pub fn number(x: f64) -> String {
    let plain = format!("{x}");
    let short = format!("{x:e}");
    if short.len() < plain.len() { short } else { plain }
}
