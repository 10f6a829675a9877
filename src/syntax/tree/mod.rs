//! Builds the syntax tree from pest's pairs. Mistakes that the grammar accepts on purpose (`slip_*`) are reported here.

mod blocks;
mod calls;
mod expressions;
mod items;

use std::cell::RefCell;
use std::ops::Range;

use pest::iterators::Pair;

use super::ast::{Comment, Expr, File, Name, Text};
use super::diagnose;
use super::grammar::{Failure, MAX_DEPTH, MAX_MESSAGES, MAX_NAME, MAX_SIZE, MAX_TEXT, Rule, read};
use super::lex::{Kind, tokens};
use super::wording::slip;
use super::{ast, comments};
use crate::diag::Diagnostic;
use crate::source::{FileId, Span};

/// Reads a recipe: always a tree of what could be read, and a message for each statement that could not.
pub fn parse(file: FileId, text: &str) -> (File, Vec<Diagnostic>) {
    let comments = comments::collect(file, text);
    let builder = Builder::new(file, text, &comments);
    let items = match builder.read(Rule::file) {
        Ok(pair) => builder.items(pair),
        Err(diagnostic) => {
            builder.report(diagnostic);
            Vec::new()
        }
    };
    let mut diagnostics = builder.diagnostics.into_inner();
    diagnostics.sort_by_key(|d| d.span().map(|s| s.start));
    (File { items, comments, span: Span::new(file, 0..text.len()) }, diagnostics)
}

/// Reads an expression that stands alone, as in `--set PATH=VALUE`.
pub fn parse_expr(file: FileId, text: &str) -> Result<Expr, Diagnostic> {
    lone_expr(Builder::new(file, text, &[]))
}

/// Reads an expression that stands in no file, such as the default of a parameter: all of it is put down to `place`.
pub fn parse_expr_at(place: Span, text: &str) -> Result<Expr, Diagnostic> {
    lone_expr(Builder { place: Some(place), ..Builder::new(place.file, text, &[]) })
}

fn lone_expr(builder: Builder) -> Result<Expr, Diagnostic> {
    let pair = builder.read(Rule::lone_expr)?.into_inner().next().expect("a lone expression holds an expression");
    let expr = builder.expr(pair, 0);
    builder.diagnostics.into_inner().into_iter().next().map_or(Ok(expr), Err)
}

/// Builds the tree of one text.
struct Builder<'a> {
    file: FileId,
    /// Where everything is put down to, if not to where it stands in the file.
    place: Option<Span>,
    text: &'a str,
    comments: &'a [Comment],
    diagnostics: RefCell<Vec<Diagnostic>>,
}

impl<'a> Builder<'a> {
    fn new(file: FileId, text: &'a str, comments: &'a [Comment]) -> Self {
        Self { file, place: None, text, comments, diagnostics: RefCell::default() }
    }

    /// Reads the whole text as `rule`, within the limits.
    fn read(&self, rule: Rule) -> Result<Pair<'a, Rule>, Diagnostic> {
        if self.text.len() > MAX_SIZE {
            return Err(slip(self.at(0..0), format!("a recipe has at most {MAX_SIZE} bytes")));
        }
        if let Some((at, message, help)) = beyond(self.text) {
            return Err(slip(self.at(at), message).help(help));
        }
        let mut pairs = read(rule, self.text).map_err(|failure| match failure {
            Failure::Limit => slip(self.at(0..0), "this text nests too deeply to be read"),
            Failure::At(_) => diagnose::explain(self.file, self.text, 0..self.text.len(), rule),
        })?;
        Ok(pairs.next().expect("a rule that matched has a pair"))
    }

    fn report(&self, diagnostic: Diagnostic) {
        if !self.is_full() {
            self.diagnostics.borrow_mut().push(diagnostic);
        }
    }

    /// Whether more is wrong than anyone reads.
    fn is_full(&self) -> bool {
        self.diagnostics.borrow().len() > MAX_MESSAGES
    }

    /// Reports that `pair` could not be read as `rule`, which reads a statement alone.
    fn report_bad(&self, pair: &Pair<Rule>, rule: Rule) {
        if !self.is_full() {
            self.report(diagnose::explain(self.file, self.text, pair.as_span().start()..pair.as_span().end(), rule));
        }
    }

    /// Reports a comma or a comment in another language's habit; says whether it was one.
    fn report_separator(&self, pair: &Pair<Rule>) -> bool {
        let (message, help) = match pair.as_rule() {
            Rule::slip_comma => ("a line does not end with a comma", "lines are separated by line ends or by `;`"),
            Rule::slip_comment => ("`//` begins no comment", "a comment begins with `#`"),
            Rule::slip_colon => ("no sign belongs before a `{`", "a block is written `name { ... }`"),
            _ => return false,
        };
        self.report(slip(self.span(pair), message).help(help));
        true
    }

    fn at(&self, range: Range<usize>) -> Span {
        self.place.unwrap_or_else(|| Span::new(self.file, range))
    }

    fn span(&self, pair: &Pair<Rule>) -> Span {
        self.at(pair.as_span().start()..pair.as_span().end())
    }

    fn name(&self, pair: Pair<Rule>) -> Name {
        Name { text: pair.as_str().to_owned(), span: self.span(&pair) }
    }

    /// A string literal with its escapes resolved.
    fn string(&self, pair: Pair<Rule>) -> Text {
        let span = self.span(&pair);
        if pair.as_rule() == Rule::slip_text {
            self.report(slip(span, "a string stands in double quotes").help("write `\"` at both ends"));
        }
        let inner = &pair.as_str()[1..pair.as_str().len() - 1];
        let mut value = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            match (c, if c == '\\' { chars.next() } else { None }) {
                ('\\', Some('n')) => value.push('\n'),
                ('\\', Some('t')) => value.push('\t'),
                ('\\', Some(q @ ('"' | '\'' | '\\'))) => value.push(q),
                ('\\', Some(other)) => self.report(
                    slip(span, format!("`\\{other}` is no escape of a string"))
                        .help("there is `\\\"`, `\\\\`, `\\n` and `\\t`; write paths with `/`"),
                ),
                _ => value.push(c),
            }
        }
        Text { value, span }
    }

    /// Holds the sign behind `owner` to `wanted`, `:` or `=`.
    fn check_sign(&self, sign: &Pair<Rule>, wanted: char, owner: &Name) {
        let (name, space) = (&owner.text, if wanted == '=' { " " } else { "" });
        let form = format!("`{name}{space}{wanted} value`");
        if sign.as_rule() == Rule::missing {
            let unnamed = wanted == ':' && self.text[owner.span.end as usize..].starts_with(['(', '.', '[']);
            let help =
                if unnamed { "a line of a block has a name: `name: value`".into() } else { format!("write {form}") };
            self.report(slip(owner.span, format!("`{wanted}` is missing after `{name}`")).help(help));
        } else if sign.as_str() != wanted.to_string() {
            let message = format!("`{wanted}` belongs here, not `{}`", sign.as_str());
            self.report(slip(self.span(sign), message).help(format!("write {form}")));
        }
    }

    /// The dimensions of a shape written as a list.
    fn shape(&self, expr: Expr) -> Vec<Expr> {
        if let ast::ExprKind::List(dims) = expr.kind {
            return dims;
        }
        self.report(
            slip(expr.span, "a shape is expected here").help("a shape is written in square brackets: `[N, 128]`"),
        );
        Vec::new()
    }
}

/// The first place where a text is beyond what is read: brackets too deep in each other, names and strings too long.
fn beyond(text: &str) -> Option<(Range<usize>, String, &'static str)> {
    let mut depth = 0usize;
    for token in tokens(text) {
        let length = token.range.len();
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Word if length > MAX_NAME => {
                return Some((token.range, format!("a name has at most {MAX_NAME} bytes"), "choose a shorter one"));
            }
            Kind::Text if length > MAX_TEXT => {
                return Some((token.range, format!("a string has at most {MAX_TEXT} bytes"), "shorten it"));
            }
            _ => {}
        }
        if depth > MAX_DEPTH {
            let message = format!("brackets are nested more than {MAX_DEPTH} deep");
            return Some((token.range, message, "name parts of it with `let`"));
        }
    }
    None
}
