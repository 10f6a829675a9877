//! Statements at the top of a file.

use pest::iterators::{Pair, Pairs};

use super::Builder;
use crate::source::Span;
use crate::syntax::ast::{Expr, Item, ItemKind, Let, Name, Param};
use crate::syntax::comments::doc_above;
use crate::syntax::grammar::Rule;
use crate::syntax::wording::slip;

impl Builder<'_> {
    /// The statements of a file, those left out that could not be read.
    pub(super) fn items(&self, file: Pair<Rule>) -> Vec<Item> {
        let mut items = Vec::new();
        for pair in file.into_inner() {
            match pair.as_rule() {
                Rule::EOI => {}
                Rule::bad_item => self.report_bad(&pair, Rule::lone_item),
                _ if self.report_separator(&pair) => {}
                _ => items.push(self.item(pair)),
            }
        }
        items
    }

    fn item(&self, pair: Pair<Rule>) -> Item {
        let (rule, span) = (pair.as_rule(), self.span(&pair));
        let mut inner = pair.into_inner();
        if rule == Rule::definition {
            return Item { kind: ItemKind::Let(self.definition(inner, span)), span };
        }
        let keyword = inner.next().expect("a statement begins with its word");
        let kind = match rule {
            Rule::recipe => {
                let mut strings = inner.filter(|p| p.as_rule() != Rule::k_paper).map(|p| self.string(p));
                ItemKind::Recipe { title: strings.next().expect("a recipe has a title"), paper: strings.next() }
            }
            Rule::extends => ItemKind::Extends { path: self.string(inner.next().expect("a path follows")) },
            Rule::omit => ItemKind::Omit { path: inner.map(|p| self.name(p)).collect() },
            Rule::data => ItemKind::Data { value: self.data(inner) },
            Rule::views => ItemKind::Views { entries: self.views(&keyword, inner) },
            Rule::branch => self.branch(inner),
            Rule::weight => self.weight(inner),
            Rule::start => self.start(inner),
            Rule::loss => ItemKind::Loss { entries: self.only_block(inner) },
            Rule::train => ItemKind::Train { entries: self.only_block(inner) },
            Rule::evaluate => ItemKind::Evaluate { entries: self.only_block(inner) },
            Rule::expect => ItemKind::Expect { conditions: self.conditions(&keyword, inner) },
            _ => self.named(rule, inner),
        };
        Item { kind, span }
    }

    /// `param`, `input` and `state`: a name, a sign, a value.
    fn named(&self, rule: Rule, mut inner: Pairs<Rule>) -> ItemKind {
        let name = self.name(inner.next().expect("a name follows"));
        let wanted = if rule == Rule::input { ':' } else { '=' };
        let value = self.signed(&mut inner, wanted, &name);
        match rule {
            Rule::input => ItemKind::Input { name, shape: self.shape(value) },
            Rule::param => ItemKind::Param { name, value },
            _ => ItemKind::State { name, value },
        }
    }

    /// The sign that is due, and the value behind it.
    pub(super) fn signed(&self, inner: &mut Pairs<Rule>, wanted: char, owner: &Name) -> Expr {
        self.check_sign(&inner.next().expect("a sign, or its absence, follows"), wanted, owner);
        self.expr(inner.next().expect("a value follows"), 0)
    }

    fn data(&self, inner: Pairs<Rule>) -> Expr {
        let mut value = None;
        for pair in inner {
            if pair.as_rule() == Rule::assign {
                let message = format!("no `{}` belongs after `data`", pair.as_str());
                self.report(slip(self.span(&pair), message).help("this is written `data NAME(\"DIR\")`"));
            } else {
                value = Some(self.expr(pair, 0));
            }
        }
        value.expect("a value follows")
    }

    fn weight(&self, mut inner: Pairs<Rule>) -> ItemKind {
        let name = self.name(inner.next().expect("a name follows"));
        let (shape, value) = self.shape_and_value(&mut inner, &name);
        if shape.is_none() && value.is_none() {
            self.report(
                slip(name.span, format!("weight `{}` has neither a value nor a shape", name.text))
                    .help("this is written `weight NAME = 1.0` or `weight NAME: [K, D]`"),
            );
        }
        ItemKind::Weight { name, shape, value }
    }

    /// A path, a sign, a value.
    fn start(&self, mut inner: Pairs<Rule>) -> ItemKind {
        let mut path = Vec::new();
        while inner.peek().is_some_and(|pair| matches!(pair.as_rule(), Rule::name | Rule::word)) {
            path.extend(inner.next().map(|part| self.name(part)));
        }
        let value = self.signed(&mut inner, '=', path.last().expect("a path has a name"));
        ItemKind::Start { path, value }
    }

    /// `: [N, D]`, `= value`, or both.
    fn shape_and_value(&self, inner: &mut Pairs<Rule>, owner: &Name) -> (Option<Vec<Expr>>, Option<Expr>) {
        let (mut shape, mut value) = (None, None);
        while let Some(sign) = inner.next() {
            let expr = self.expr(inner.next().expect("something follows the sign"), 0);
            if sign.as_str() == ":" && shape.is_none() && value.is_none() {
                shape = Some(self.shape(expr));
            } else {
                self.check_sign(&sign, '=', owner);
                value = Some(expr);
            }
        }
        (shape, value)
    }

    /// A `let`, at the top or in a function's block.
    pub(super) fn definition(&self, mut inner: Pairs<Rule>, span: Span) -> Let {
        let keyword = inner.next().expect("a definition begins with its word");
        if keyword.as_rule() == Rule::k_def {
            let help = "a function is written `let NAME(x) = value`";
            self.report(slip(self.span(&keyword), "`def` defines nothing here").help(help));
        }
        let name = self.name(inner.next().expect("a definition has a name"));
        let doc = doc_above(self.text, self.comments, span.start as usize);
        let (mut params, mut lets, mut value, mut block) = (None, Vec::new(), None, false);
        while let Some(pair) = inner.next() {
            match pair.as_rule() {
                Rule::parameters => params = Some(pair.into_inner().map(|p| self.parameter(p)).collect()),
                Rule::body => {
                    block = true;
                    let (own, result) = self.body(&name, pair);
                    (lets, value) = (own, Some(result));
                }
                _ => {
                    self.check_sign(&pair, '=', &name);
                    value = inner.next().map(|p| self.expr(p, 0));
                }
            }
        }
        let value = value.expect("a definition has a value");
        Let { name, params, lets, value, block, doc, span }
    }

    fn parameter(&self, pair: Pair<Rule>) -> Param {
        let mut inner = pair.into_inner();
        let name = self.name(inner.next().expect("a parameter has a name"));
        let (shape, default) = self.shape_and_value(&mut inner, &name);
        Param { name, shape, default }
    }
}
