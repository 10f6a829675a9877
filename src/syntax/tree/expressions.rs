//! Expressions: operands, and the operators between them climbed by precedence.

use pest::iterators::Pair;

use super::Builder;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::syntax::grammar::{MAX_DEPTH, PRECEDENCE, Rule};
use crate::syntax::wording::{LIST, elsewhere, slip};

/// An expression on its way up: with the place that includes its own brackets, which its span does not.
pub(super) struct Operand {
    pub(super) expr: Expr,
    pub(super) outer: Span,
    /// Its operator, unless brackets stand around it.
    bare: Option<BinaryOp>,
}

impl Operand {
    pub(super) fn new(kind: ExprKind, span: Span) -> Self {
        Self { expr: Expr { kind, span }, outer: span, bare: None }
    }
}

impl Builder<'_> {
    /// An expression below `depth` others.
    pub(super) fn expr(&self, pair: Pair<Rule>, depth: usize) -> Expr {
        let span = self.span(&pair);
        let depth = depth + nested(&pair) + 1;
        if depth > MAX_DEPTH {
            let message = format!("this expression is {} operators deep; the most are {MAX_DEPTH}", depth - 1);
            self.report(slip(span, message).help("name parts of it with `let`"));
            return Expr { kind: ExprKind::Number(0.0), span };
        }
        PRECEDENCE
            .map_primary(|p| self.value(p, depth))
            .map_prefix(|op, right| self.prefix(&op, right))
            .map_infix(|left, op, right| self.infix(left, &op, right))
            .map_postfix(|left, op| self.postfix(left, op, depth))
            .parse(pair.into_inner())
            .expr
    }

    fn value(&self, pair: Pair<Rule>, depth: usize) -> Operand {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::group => self.group(pair, depth),
            Rule::number => Operand::new(self.number(pair.as_str(), span), span),
            Rule::text | Rule::slip_text => Operand::new(ExprKind::Text(self.string(pair).value), span),
            Rule::boolean => Operand::new(ExprKind::Bool(pair.as_str() == "true"), span),
            Rule::list => Operand::new(ExprKind::List(self.elements(pair, depth)), span),
            _ => Operand::new(self.variable(pair.as_str(), span), span),
        }
    }

    fn number(&self, text: &str, span: Span) -> ExprKind {
        let value = text.replace('_', "").parse::<f64>().unwrap_or(f64::INFINITY);
        if !value.is_finite() {
            self.report(slip(span, "this number is too large").help("write `infinity` for what is larger than any"));
        } else if !holds(value, &text.replace('_', "")) {
            let help = "whole numbers are exact up to 9007199254740992, which is 2^53";
            self.report(slip(span, "this whole number cannot be held exactly").help(help));
        }
        ExprKind::Number(value)
    }

    fn variable(&self, text: &str, span: Span) -> ExprKind {
        let (word, kind) = match text {
            "True" => ("true", ExprKind::Bool(true)),
            "False" => ("false", ExprKind::Bool(false)),
            "None" => ("none", ExprKind::Name("none".to_owned())),
            _ => return ExprKind::Name(text.to_owned()),
        };
        self.report(slip(span, format!("`{text}` is written `{word}`")));
        kind
    }

    fn group(&self, pair: Pair<Rule>, depth: usize) -> Operand {
        let outer = self.span(&pair);
        let mut inner = pair.into_inner();
        let expr = self.expr(inner.next().expect("brackets hold an expression"), depth);
        if inner.next().is_some() {
            self.report(slip(outer, "round brackets hold one value").help(LIST));
        }
        Operand { expr, outer, bare: None }
    }

    fn elements(&self, pair: Pair<Rule>, depth: usize) -> Vec<Expr> {
        let mut elements = Vec::new();
        for part in pair.into_inner() {
            if part.as_rule() == Rule::comprehension {
                let help = "write `stack(e for u in views)` or `concat(e for u in views)`";
                self.report(slip(self.span(&part), "a list is not built by a comprehension").help(help));
            } else {
                elements.push(self.expr(part, depth));
            }
        }
        elements
    }

    fn prefix(&self, op: &Pair<Rule>, right: Operand) -> Operand {
        let kind = match op.as_rule() {
            Rule::negate => UnaryOp::Negate,
            _ => UnaryOp::Not,
        };
        self.check_operator(op);
        Operand::new(ExprKind::Unary(kind, Box::new(right.expr)), self.span(op).to(right.outer))
    }

    fn infix(&self, left: Operand, op: &Pair<Rule>, right: Operand) -> Operand {
        let kind = binary(op.as_rule());
        self.check_operator(op);
        self.check_chain(kind, &left, op);
        let span = left.outer.to(right.outer);
        let tree = ExprKind::Binary(kind, Box::new(left.expr), Box::new(right.expr));
        Operand { bare: Some(kind), ..Operand::new(tree, span) }
    }

    /// Reports an operator of another language.
    fn check_operator(&self, op: &Pair<Rule>) {
        if matches!(op.as_rule(), Rule::slip_or | Rule::slip_and | Rule::slip_not | Rule::slip_power) {
            let message = format!("there is no operator `{}`", op.as_str());
            let help = elsewhere(op.as_str()).map(str::to_owned);
            self.report(slip(self.span(op), message).maybe_help(help));
        }
    }

    /// Reports `a < b < c`, `a -> b -> c` and `a..b..c`, which would not mean what they look like.
    fn check_chain(&self, kind: BinaryOp, left: &Operand, op: &Pair<Rule>) {
        let Some(before) = left.bare else { return };
        let chained = before == kind && matches!(kind, BinaryOp::Ramp | BinaryOp::Range);
        if chained || is_comparison(kind) && is_comparison(before) {
            let help = match kind {
                BinaryOp::Ramp | BinaryOp::Range => "it goes from one value to one other",
                _ => "write `a < b and b < c`",
            };
            self.report(slip(self.span(op), format!("`{}` cannot be chained", op.as_str())).help(help));
        }
    }
}

/// How many operators stand one inside of the other at most: infix and prefix ones make a chain, calls and the like only on one value.
fn nested(pair: &Pair<Rule>) -> usize {
    let (mut chain, mut behind, mut most) = (0, 0, 0);
    for part in pair.clone().into_inner() {
        match part.as_rule() {
            Rule::call | Rule::index | Rule::field => behind += 1,
            rule if is_value(rule) => behind = 0,
            _ => chain += 1,
        }
        most = most.max(behind);
    }
    chain + most
}

/// Whether a number is what its digits say, where they are those of a whole number.
fn holds(value: f64, digits: &str) -> bool {
    !digits.bytes().all(|b| b.is_ascii_digit()) || format!("{value}") == digits.trim_start_matches('0') || value == 0.0
}

/// Whether a part of an expression is a value rather than an operator.
fn is_value(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::group | Rule::number | Rule::text | Rule::slip_text | Rule::boolean | Rule::list | Rule::variable
    )
}

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
    matches!(op, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}

/// The operator a rule stands for.
fn binary(rule: Rule) -> BinaryOp {
    match rule {
        Rule::pipe => BinaryOp::Pipe,
        Rule::or | Rule::slip_or => BinaryOp::Or,
        Rule::and | Rule::slip_and => BinaryOp::And,
        Rule::equal => BinaryOp::Equal,
        Rule::not_equal => BinaryOp::NotEqual,
        Rule::less => BinaryOp::Less,
        Rule::less_equal => BinaryOp::LessEqual,
        Rule::greater => BinaryOp::Greater,
        Rule::greater_equal => BinaryOp::GreaterEqual,
        Rule::ramp => BinaryOp::Ramp,
        Rule::range => BinaryOp::Range,
        Rule::add => BinaryOp::Add,
        Rule::subtract => BinaryOp::Subtract,
        Rule::multiply => BinaryOp::Multiply,
        Rule::divide => BinaryOp::Divide,
        Rule::matmul => BinaryOp::MatMul,
        _ => BinaryOp::Power,
    }
}
