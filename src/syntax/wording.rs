//! The texts of syntax errors: what is expected, and what to write instead of habits from other languages.

use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// Words that cannot name a value.
pub(super) const RESERVED: &[&str] = &["for", "in", "if", "and", "or", "not", "let", "true", "false"];

/// A syntax error.
pub(super) fn slip(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::SYNTAX, span, message)
}

/// What is said of a tuple.
pub(super) const LIST: &str = "a list is written in square brackets: `[a, b]`";

/// How blocks are written.
pub(super) const BRACES: &str = "a block is written in braces, `loss { term: value }`; indentation means nothing";

/// How statements end.
pub(super) const ENDS: &str = "a statement ends at the end of its line or at `;`";

/// What took the place of a sign of another language.
pub(super) fn elsewhere(sign: &str) -> Option<&'static str> {
    Some(match sign {
        "**" => "a power is written `a ^ b`",
        "||" => "write `or`; a single `|` composes",
        "&&" | "&" => "write `and`",
        "!" | "~" => "write `not`",
        "//" => "a comment begins with `#`",
        "%" => "there is no remainder and no percent: write the number as a fraction",
        "=" => "named arguments and entries are written `name: value`; `==` compares",
        ":=" | "+=" | "-=" | "*=" | "/=" => "values do not change: name a new one with `let`",
        "=>" => "a ramp is written `a -> b`",
        "?" | "else" | "elif" => "a choice between values is written `where(condition, a, b)`",
        "if" => "a choice between values is written `where(condition, a, b)`; `if` guards a comprehension",
        "lambda" => "a function is written `let NAME(x) = value`",
        "while" => "there are no loops but comprehensions: `mean(f(u) for u in views)`",
        "for" => "a comprehension stands alone in the brackets of a call: `mean(f(u) for u in views)`",
        "is" => "`==` compares",
        "->" => "a ramp is written `a -> b`, inside a schedule: `cosine(0.3 -> 0.0)`",
        "::" => "a part is taken by a dot: `f(a).projector`",
        "$" | "`" | "\\" => "this sign has no meaning here",
        "{" => "braces hold the lines of a block; a list is written `[a, b]`, named arguments `f(name: value)`",
        "-" => "a line that begins with an operator goes on with the line above",
        _ => return lookalike(sign),
    })
}

/// What to type for a character that only looks right.
fn lookalike(sign: &str) -> Option<&'static str> {
    Some(match sign.chars().next()? {
        '×' | '·' | '⋅' | '∗' => "write `*`",
        '−' | '–' | '—' => "write `-`",
        '÷' => "write `/`",
        '→' | '⟶' => "write `->`",
        '≤' => "write `<=`",
        '≥' => "write `>=`",
        '≠' => "write `!=`",
        '…' => "write `..`",
        '“' | '”' | '„' | '‘' | '’' | '«' | '»' => "write `\"`",
        '²' => "write `^ 2`",
        '\'' | '"' => "a string ends on the line where it begins",
        _ => return None,
    })
}
