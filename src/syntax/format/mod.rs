//! The one canonical layout of a recipe.

mod doc;
mod expressions;
mod items;
mod lines;

use doc::Doc;

use super::ast::{Comment, Expr, File, ItemKind, Let, Text};
use super::lex::{Kind, tokens};
use super::print::quoted;
use crate::source::Span;

/// How long a line may be.
const WIDTH: usize = 120;

/// The text of a file in canonical layout, with all its comments; `source` is the text it was parsed from without error.
pub fn format(file: &File, source: &str) -> String {
    let mut formatter = Formatter { source: Some(source), comments: &file.comments };
    let parts = formatter.lines(&file.items, u32::MAX, Doc::Row(Vec::new()), |item| item.span, Formatter::item);
    if parts.is_empty() { String::new() } else { doc::print(&Doc::group(true, parts), WIDTH) }
}

/// A statement that stands in no text, in canonical layout.
pub(super) fn statement(kind: &ItemKind) -> String {
    alone(|formatter| formatter.statement(kind, None), WIDTH)
}

/// A definition that stands in no text, in canonical layout.
pub(super) fn definition(definition: &Let) -> String {
    alone(|formatter| formatter.definition(definition), WIDTH)
}

/// An expression that stands in no text, in one line.
pub(super) fn expression(expr: &Expr) -> String {
    alone(|formatter| formatter.expr(expr), usize::MAX / 2).trim_end().to_owned()
}

fn alone(piece: impl FnOnce(&mut Formatter) -> Doc, width: usize) -> String {
    doc::print(&Doc::group(true, vec![piece(&mut Formatter { source: None, comments: &[] })]), width)
}

/// Builds documents in the order of the source, and puts comments where they come up.
struct Formatter<'a> {
    /// The text that the tree was parsed from; `None` for a tree that was put together.
    source: Option<&'a str>,
    /// Comments that have not been placed yet.
    comments: &'a [Comment],
}

impl<'a> Formatter<'a> {
    /// The comments that begin before byte `end` and have not been placed yet.
    fn take(&mut self, end: u32) -> &'a [Comment] {
        let count = self.comments.partition_point(|c| c.span.start < end);
        let (taken, rest) = self.comments.split_at(count);
        self.comments = rest;
        taken
    }

    /// A place where a line may end before what begins at byte `start`, with the comments that stand there.
    fn gap(&mut self, start: u32, line: &'static str) -> Doc {
        let mut parts = Vec::new();
        let (trailing, own): (Vec<_>, Vec<_>) = self.take(start).iter().partition(|c| c.trailing);
        parts.extend(trailing.iter().map(|c| Doc::Comment(c.text.clone())));
        parts.push(Doc::Break(line));
        parts.extend(own.iter().flat_map(|c| [Doc::Comment(c.text.clone()), Doc::Hard]));
        Doc::Row(parts)
    }

    /// Where the first bracket that opens behind byte `from` is closed.
    fn closing(&self, from: u32) -> u32 {
        let mut depth = 0usize;
        for token in tokens(self.source.and_then(|text| text.get(from as usize..)).unwrap_or_default()) {
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close if depth <= 1 => return from + token.range.start as u32,
                Kind::Close => depth -= 1,
                _ => {}
            }
        }
        from
    }

    /// The source of a span, where there is one.
    fn slice(&self, span: Span) -> Option<&'a str> {
        self.source?.get(span.range())
    }

    /// A string as it is written.
    fn string(&self, text: &Text) -> String {
        self.slice(text.span).map_or_else(|| quoted(&text.value), str::to_owned)
    }

    /// A literal as it is written.
    fn literal(&self, span: Span, written: impl FnOnce() -> String) -> Doc {
        Doc::Text(self.slice(span).map_or_else(written, str::to_owned))
    }

    /// How long a piece is in one line, without any comment inside.
    fn length(&self, piece: impl FnOnce(&mut Formatter<'a>) -> Doc) -> usize {
        let doc = piece(&mut Formatter { source: self.source, comments: &[] });
        doc::print(&doc, usize::MAX / 2).trim_end().chars().count()
    }
}
