//! Splits a text into words and signs without the grammar: for texts that cannot be parsed.

use std::ops::Range;

/// What sort of token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A closed string, in double or single quotes.
    Text,
    /// A `#` comment.
    Comment,
    /// The end of a line.
    Newline,
    /// A word.
    Word,
    /// Something that begins like a number.
    Number,
    /// `(`, `[` or `{`
    Open,
    /// `)`, `]` or `}`
    Close,
    /// Any other sign.
    Sign,
}

/// A token and its bytes.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// What sort it is.
    pub kind: Kind,
    /// Where it stands.
    pub range: Range<usize>,
}

/// Signs of two characters, those of other languages included.
const PAIRS: &[&str] =
    &["//", "**", "||", "&&", "==", "!=", "<=", ">=", "->", "=>", "..", ":=", "+=", "-=", "*=", "/=", "::"];

/// The tokens of `text`, blanks left out.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Token> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += text[at..].find(|c: char| !is_blank(c)).unwrap_or(text.len() - at);
        let first = text[at..].chars().next()?;
        let (kind, length) = token(&text[at..], first);
        let range = at..at + length;
        at = range.end;
        Some(Token { kind, range })
    })
}

/// Blanks within a line, the first half of Windows' line ends included.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\u{A0}' | '\u{FEFF}')
}

/// The kind and length of the token at the start of `rest`.
fn token(rest: &str, first: char) -> (Kind, usize) {
    match first {
        '\n' => (Kind::Newline, 1),
        '#' => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
        '"' | '\'' => text(rest, first).map_or((Kind::Sign, 1), |length| (Kind::Text, length)),
        '(' | '[' | '{' => (Kind::Open, 1),
        ')' | ']' | '}' => (Kind::Close, 1),
        _ if first.is_ascii_digit() => (Kind::Number, number(rest)),
        _ if first == '_' || first.is_alphabetic() => {
            (Kind::Word, rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len()))
        }
        _ if PAIRS.iter().any(|pair| rest.starts_with(pair)) => (Kind::Sign, 2),
        _ => (Kind::Sign, first.len_utf8()),
    }
}

/// The length of the string that begins here, if it ends on its line.
fn text(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        match c {
            '\n' => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Some(i + 1),
            _ => {}
        }
    }
    None
}

/// The length of what begins like a number; the dots of `0..1` are not part of it.
fn number(rest: &str) -> usize {
    let end = rest.find(|c: char| c != '.' && c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
    rest[..end].find("..").unwrap_or(end)
}
