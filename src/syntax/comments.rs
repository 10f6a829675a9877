//! Comments: all of them for the formatter, and those above a definition as its documentation.

use super::ast::Comment;
use super::lex::{Kind, tokens};
use crate::source::{FileId, Span};

/// Every comment of a text, in order.
pub(super) fn collect(file: FileId, text: &str) -> Vec<Comment> {
    let mut comments = Vec::new();
    let mut trailing = false;
    for token in tokens(text) {
        if token.kind == Kind::Comment {
            let content = text[token.range.clone()].trim_end().to_owned();
            let span = Span::new(file, token.range.start..token.range.start + content.len());
            comments.push(Comment { text: content, span, trailing });
        }
        trailing = token.kind != Kind::Newline;
    }
    comments
}

/// The comment lines that end right above the line where byte `at` stands, without their signs.
pub(super) fn doc_above(text: &str, comments: &[Comment], at: usize) -> String {
    let mut line = line_start(text, at);
    let mut lines = Vec::new();
    if !text[line..at].trim().is_empty() {
        return String::new();
    }
    let above = comments.partition_point(|c| (c.span.start as usize) < at);
    for comment in comments[..above].iter().rev() {
        let start = comment.span.start as usize;
        if comment.trailing || line == 0 || line_start(text, line - 1) != line_start(text, start) {
            break;
        }
        line = line_start(text, start);
        let content = comment.text.trim_start_matches('#');
        lines.push(content.strip_prefix(' ').unwrap_or(content));
    }
    lines.reverse();
    lines.join("\n")
}

/// The first byte of the line where byte `at` stands.
fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |i| i + 1)
}
