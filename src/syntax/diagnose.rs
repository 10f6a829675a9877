//! Why a statement could not be read, in words.

use std::ops::Range;

use super::grammar::{Failure, Rule, read};
use super::lex::{Kind, Token, tokens};
use super::statements::{Due, keywords, statement};
use super::wording::{BRACES, ENDS, LIST, RESERVED, elsewhere, slip};
use crate::diag::{Diagnostic, nearest};
use crate::source::{FileId, Span};

/// Says why `text[region]` is not what `rule`, which reads one statement alone, can read.
pub(super) fn explain(file: FileId, text: &str, region: Range<usize>, rule: Rule) -> Diagnostic {
    let source = &text[region.clone()];
    let statement = Statement {
        file,
        base: region.start,
        source,
        rule,
        tokens: tokens(source).filter(|t| t.kind != Kind::Comment).collect(),
    };
    let first = statement.first_word();
    first.unwrap_or_else(|| {
        let at = match read(rule, source) {
            Err(Failure::At(at)) => at,
            Ok(_) => return statement.superfluous(),
            Err(Failure::Limit) => 0,
        };
        let index = statement.tokens.iter().position(|t| t.range.end > at && t.kind != Kind::Newline);
        let index = index.unwrap_or(statement.tokens.len());
        statement.brackets(index).unwrap_or_else(|| statement.unexpected(index))
    })
}

/// A statement that could not be read.
struct Statement<'a> {
    file: FileId,
    /// Where it begins in its file.
    base: usize,
    source: &'a str,
    /// What should have read it.
    rule: Rule,
    /// Its tokens, comments left out.
    tokens: Vec<Token>,
}

impl<'a> Statement<'a> {
    fn text(&self, token: &Token) -> &'a str {
        &self.source[token.range.clone()]
    }

    /// The text of the token of that index; empty beyond the end.
    fn nth(&self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |t| self.text(t))
    }

    fn span(&self, token: &Token) -> Span {
        Span::new(self.file, self.base + token.range.start..self.base + token.range.end)
    }

    /// The last token before `index` that is not the end of a line.
    fn before(&self, index: usize) -> Option<&Token> {
        self.tokens[..index].iter().rev().find(|t| t.kind != Kind::Newline)
    }

    /// What is wrong with the first word of a statement at the top, if that is what is wrong.
    fn first_word(&self) -> Option<Diagnostic> {
        let first = self.tokens.first().filter(|_| self.rule == Rule::lone_item)?;
        let (word, span) = (self.text(first), self.span(first));
        if word == "}" {
            return Some(slip(span, "this `}` closes nothing"));
        }
        if let Some(colon) = self.colon_at_line_end() {
            return Some(slip(self.span(colon), "a colon opens no block").help(BRACES));
        }
        if statement(word).is_some() {
            return None;
        }
        let message = format!("no statement begins with `{word}`");
        Some(match self.nth(1) {
            "=" | ":=" if first.kind == Kind::Word => {
                slip(span, message).help(format!("a value is named by `let {word} = ...`"))
            }
            ":" => slip(span, format!("`{word}` stands outside of a block"))
                .help(format!("an entry belongs in a block: `train {{ {word}: ... }}`")),
            _ => slip(span, message).help(match (nearest(word, keywords()), elsewhere(word)) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, Some(help)) => help.to_owned(),
                (None, None) => format!("statements begin with {}", keywords().collect::<Vec<_>>().join(", ")),
            }),
        })
    }

    /// The colon that ends the first line, where that line is the head of a statement.
    fn colon_at_line_end(&self) -> Option<&Token> {
        let end = self.tokens.iter().position(|t| t.kind == Kind::Newline)?;
        let colon = self.tokens[..end].last().filter(|t| self.text(t) == ":")?;
        let more = self.tokens[end..].iter().any(|t| t.kind != Kind::Newline);
        (more && statement(self.nth(0)).is_some()).then_some(colon)
    }

    /// A bracket that is not closed, closed wrongly or never opened, if it stands before token `index` or ends it all.
    fn brackets(&self, index: usize) -> Option<Diagnostic> {
        let mut open: Vec<&Token> = Vec::new();
        for (i, token) in self.tokens.iter().enumerate() {
            match (token.kind, open.last()) {
                (Kind::Open, _) => open.push(token),
                (Kind::Close, None) if i <= index => {
                    return Some(slip(self.span(token), format!("this `{}` closes nothing", self.text(token))));
                }
                (Kind::Close, Some(last)) if i <= index && closing(self.text(last)) != self.text(token) => {
                    let (wrong, right) = (self.text(token), closing(self.text(last)));
                    let message = format!("`{right}` belongs here, not `{wrong}`");
                    return Some(slip(self.span(token), message).also(self.span(last), "to close this"));
                }
                (Kind::Close, _) => _ = open.pop(),
                _ => {}
            }
        }
        let last = open.pop().filter(|t| self.tokens.get(index).is_none_or(|at| t.range.start <= at.range.start))?;
        let message = format!("this `{}` is never closed", self.text(last));
        Some(slip(self.span(last), message).help(format!("add the missing `{}`", closing(self.text(last)))))
    }

    /// Says of a statement that is well formed that it stands in the wrong place.
    fn superfluous(&self) -> Diagnostic {
        let span = Span::new(self.file, self.base..self.base + self.source.trim_end().len());
        slip(span, "this line comes after the value of its block").help("the last line of a block is its value")
    }

    /// Says that the token of that index, or the end, should not be there.
    fn unexpected(&self, index: usize) -> Diagnostic {
        let previous = self.before(index);
        let Some(token) = self.tokens.get(index) else {
            return self.ends_early(previous);
        };
        let known = previous.and_then(|p| self.after_keyword(p, token)).or_else(|| self.known(index, token));
        known.unwrap_or_else(|| {
            let message = format!("`{}` is not expected here", self.text(token));
            let help = previous.and_then(|p| self.separator(p, token, index));
            slip(self.span(token), message).maybe_help(help)
        })
    }

    fn ends_early(&self, previous: Option<&Token>) -> Diagnostic {
        let Some(last) = previous else {
            return slip(Span::new(self.file, self.base..self.base + self.source.len()), "a value is missing here");
        };
        let what = match last.kind {
            _ if self.text(last) == "." => "a name",
            Kind::Sign => "a value",
            Kind::Word if self.due(last) == Some(Due::Name) => "a name",
            Kind::Word if self.due(last) == Some(Due::Text) => "a string in double quotes",
            _ => "something",
        };
        let message = format!("{what} is missing after `{}`", self.text(last));
        slip(self.span(last), message).maybe_help(self.form())
    }

    /// How the statement is written, if it is one at the top.
    fn form(&self) -> Option<String> {
        match self.rule {
            Rule::lone_item => statement(self.nth(0)).map(|found| format!("this is written `{}`", found.form)),
            Rule::lone_view | Rule::lone_stage | Rule::lone_entry => Some("this is written `name: value`".to_owned()),
            _ => None,
        }
    }

    /// What belongs behind a token, if that is a word of the language.
    fn due(&self, previous: &Token) -> Option<Due> {
        let (word, top) = (self.text(previous), self.rule == Rule::lone_item);
        match word {
            "for" => Some(Due::Name),
            "paper" if top => Some(Due::Text),
            _ => {
                // Definitions stand in the blocks of functions, too.
                let found = statement(word).filter(|_| previous.range.start == 0)?;
                Some(found.due).filter(|due| top || *due == Due::Name)
            }
        }
    }

    /// What a keyword wants behind it, where it is followed by something else.
    fn after_keyword(&self, previous: &Token, token: &Token) -> Option<Diagnostic> {
        let (word, span) = (self.text(previous), self.span(token));
        let found = self.text(token);
        let due = self.due(previous)?;
        if due == Due::Name && RESERVED.contains(&found) {
            return Some(slip(span, format!("`{found}` is a word of the language and cannot be a name")));
        }
        let due = match due {
            Due::Name => "a name",
            Due::Text => "a string in double quotes",
            Due::Block => "a block in braces",
            Due::Value => return None,
        };
        Some(slip(span, format!("{due} belongs after `{word}`, not `{found}`")).maybe_help(self.form()))
    }

    /// Slips that are known by their sign.
    fn known(&self, index: usize, token: &Token) -> Option<Diagnostic> {
        let (found, span) = (self.text(token), self.span(token));
        let unexpected = || slip(span, format!("`{found}` is not expected here"));
        Some(match found {
            "\"" | "'" => slip(span, "this string is never closed").help("a string ends on the line where it begins"),
            ":" if self.inside(index) == Some("[") => unexpected().help("a slice is written `x[0..3]`"),
            "." if index == 1 => unexpected().help("the name of a line has no dots"),
            "-" if index == 0 => unexpected().help("the lines of a block are written without dashes: `name: value`"),
            "," if self.inside(index).is_none() => unexpected().help(LIST),
            _ if token.kind == Kind::Number && self.is_number_broken(token) => {
                slip(span, format!("`{found}` is not a number")).help("numbers are written `2`, `0.5`, `1e-4`")
            }
            _ if token.kind == Kind::Close => {
                let due = self.before(index).filter(|p| p.kind == Kind::Sign)?;
                slip(span, format!("a value is missing between `{}` and `{found}`", self.text(due)))
            }
            _ if token.kind == Kind::Text && index == 0 => unexpected().help("the name of a line has no quotes"),
            _ if token.kind == Kind::Text => return None,
            _ => unexpected().help(elsewhere(found)?),
        })
    }

    fn is_number_broken(&self, token: &Token) -> bool {
        self.text(token).replace('_', "").parse::<f64>().is_err()
    }

    /// The bracket that is open at the token of that index.
    fn inside(&self, index: usize) -> Option<&'a str> {
        let mut open = Vec::new();
        for token in &self.tokens[..index] {
            match token.kind {
                Kind::Open => open.push(self.text(token)),
                Kind::Close => _ = open.pop(),
                _ => {}
            }
        }
        open.pop()
    }

    /// What should stand between two values in a row.
    fn separator(&self, previous: &Token, token: &Token, index: usize) -> Option<String> {
        let values = |t: &Token| !matches!(t.kind, Kind::Sign);
        if !values(previous) || !values(token) {
            return None;
        }
        if let Some(help) = elsewhere(self.text(previous)).filter(|_| previous.kind == Kind::Word) {
            return Some(help.to_owned());
        }
        Some(match self.inside(index) {
            Some("{") | None => ENDS.to_owned(),
            Some(bracket) => {
                format!("a `,` is missing before it, or a `{}` that closes the `{bracket}`", closing(bracket))
            }
        })
    }
}

/// The bracket that closes `open`.
fn closing(open: &str) -> &'static str {
    match open {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}
