//! Expressions, with the brackets their operators need.

use super::Formatter;
use super::doc::Doc;
use crate::syntax::ast::{Arg, BinaryOp, Comprehension, Expr, ExprKind, Loop, Name, UnaryOp};
use crate::syntax::print::{number, quoted};

/// How tightly a value binds that needs no brackets anywhere.
const ATOM: u8 = 13;
/// How tightly calls, indices and fields bind.
const POSTFIX: u8 = 12;
/// How tightly `-x` binds.
const NEGATE: u8 = 10;
/// How tightly `not x` binds.
const NOT: u8 = 4;

impl Formatter<'_> {
    /// An expression that stands alone.
    pub(super) fn expr(&mut self, e: &Expr) -> Doc {
        self.within(e, 0)
    }

    /// An expression that begins a line below another: a leading `-` would go on with that line.
    pub(super) fn line_expr(&mut self, e: &Expr, first: bool) -> Doc {
        let least = if !first && begins_with_minus(e) { ATOM } else { 0 };
        self.within(e, least)
    }

    /// An expression where everything must bind at least so tightly; in brackets if it does not.
    fn within(&mut self, e: &Expr, least: u8) -> Doc {
        let doc = self.bare(e);
        if tightness(e) >= least {
            return doc;
        }
        let inner = Doc::Indent(vec![Doc::Break(""), doc]);
        Doc::group(false, vec![Doc::text("("), inner, Doc::Break(""), Doc::text(")")])
    }

    fn bare(&mut self, e: &Expr) -> Doc {
        match &e.kind {
            ExprKind::Number(x) => self.literal(e.span, || number(*x)),
            ExprKind::Text(text) => self.literal(e.span, || quoted(text)),
            ExprKind::Bool(value) => Doc::text(value.to_string()),
            ExprKind::Name(name) => Doc::text(name),
            ExprKind::List(items) => self.brackets("[", items, "]", e.span.end, |i| i.span.start, Self::expr),
            ExprKind::Unary(UnaryOp::Negate, x) => Doc::Row(vec![Doc::text("-"), self.within(x, NEGATE + 1)]),
            ExprKind::Unary(UnaryOp::Not, x) => Doc::Row(vec![Doc::text("not "), self.within(x, NOT)]),
            ExprKind::Binary(op, ..) if is_broken(*op) => self.chain(e, binding(*op)),
            ExprKind::Binary(op, a, b) => self.pair(*op, a, b),
            ExprKind::Call(f, args) => {
                let callee = self.within(f, POSTFIX);
                let start = |a: &Arg| a.name.as_ref().map_or(a.value.span.start, |n| n.span.start);
                let args = self.brackets("(", args, ")", e.span.end, start, Self::argument);
                Doc::Row(vec![callee, args])
            }
            ExprKind::Index(x, items) => {
                let value = self.within(x, POSTFIX);
                let items = self.brackets("[", items, "]", e.span.end, |i| i.span.start, Self::expr);
                Doc::Row(vec![value, items])
            }
            ExprKind::Field(x, name) => {
                let value = self.within(x, POSTFIX);
                Doc::Row(vec![value, Doc::text(format!(".{}", name.text))])
            }
            ExprKind::Comprehension(c) => self.comprehension(c),
        }
    }

    /// Pieces between brackets, separated by commas, up to byte `end`.
    pub(super) fn brackets<T>(
        &mut self,
        open: &'static str,
        items: &[T],
        close: &'static str,
        end: u32,
        start: impl Fn(&T) -> u32,
        mut doc: impl FnMut(&mut Self, &T) -> Doc,
    ) -> Doc {
        let mut inner = Vec::new();
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                inner.push(Doc::text(","));
            }
            inner.push(self.gap(start(item), if i > 0 { " " } else { "" }));
            inner.push(doc(self, item));
        }
        let (trailing, own): (Vec<_>, Vec<_>) = self.take(end).iter().partition(|c| c.trailing);
        inner.extend(trailing.iter().map(|c| Doc::Comment(c.text.clone())));
        inner.extend(own.iter().flat_map(|c| [Doc::Hard, Doc::Comment(c.text.clone())]));
        if inner.is_empty() {
            return Doc::text(format!("{open}{close}"));
        }
        Doc::group(false, vec![Doc::text(open), Doc::Indent(inner), Doc::Break(""), Doc::text(close)])
    }

    fn argument(&mut self, arg: &Arg) -> Doc {
        let value = self.expr(&arg.value);
        match &arg.name {
            Some(name) => Doc::Row(vec![Doc::text(format!("{}: ", name.text)), value]),
            None => value,
        }
    }

    fn comprehension(&mut self, c: &Comprehension) -> Doc {
        let mut parts = vec![self.expr(&c.value)];
        for (i, round) in c.loops.iter().enumerate() {
            if i > 0 {
                parts.push(Doc::text(","));
            }
            let start = round.names.first().map_or(round.over.span.start, |n| n.span.start);
            parts.push(self.gap(start, " "));
            parts.push(Doc::text(if i == 0 { "for " } else { "" }));
            parts.push(self.round(round));
        }
        if let Some(guard) = &c.guard {
            parts.push(self.gap(guard.span.start, " "));
            parts.push(Doc::text("if "));
            parts.push(self.expr(guard));
        }
        Doc::group(false, parts)
    }

    fn round(&mut self, round: &Loop) -> Doc {
        Doc::Row(vec![Doc::text(format!("{} in ", join(&round.names, ", "))), self.expr(&round.over)])
    }

    /// `a op b` in one line.
    fn pair(&mut self, op: BinaryOp, a: &Expr, b: &Expr) -> Doc {
        let (left, right) = sides(op);
        let left = self.within(a, left);
        let sign = if op == BinaryOp::Range { "..".to_owned() } else { format!(" {} ", sign(op)) };
        Doc::Row(vec![left, Doc::text(sign), self.within(b, right)])
    }

    /// `a + b - c`, where a line may end before each operator.
    fn chain(&mut self, e: &Expr, level: u8) -> Doc {
        let mut operands = Vec::new();
        let mut first = e;
        while let ExprKind::Binary(op, a, b) = &first.kind {
            if binding(*op) != level {
                break;
            }
            operands.push((*op, b));
            first = a;
        }
        let head = self.within(first, level);
        let mut tail = Vec::new();
        for (op, operand) in operands.into_iter().rev() {
            tail.push(self.gap(operand.span.start, " "));
            tail.push(Doc::text(format!("{} ", sign(op))));
            tail.push(self.within(operand, level + 1));
        }
        Doc::group(false, vec![head, Doc::Indent(tail)])
    }
}

/// The names, with `between` between them.
pub(super) fn join(names: &[Name], between: &str) -> String {
    names.iter().map(|n| n.text.as_str()).collect::<Vec<_>>().join(between)
}

fn begins_with_minus(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Unary(UnaryOp::Negate, _) => true,
        ExprKind::Binary(op, a, _) => tightness(a) >= sides(*op).0 && begins_with_minus(a),
        _ => false,
    }
}

/// How tightly an expression binds.
fn tightness(e: &Expr) -> u8 {
    match &e.kind {
        ExprKind::Comprehension(_) => 0,
        ExprKind::Binary(op, ..) => binding(*op),
        ExprKind::Unary(UnaryOp::Negate, _) => NEGATE,
        ExprKind::Unary(UnaryOp::Not, _) => NOT,
        ExprKind::Call(..) | ExprKind::Index(..) | ExprKind::Field(..) => POSTFIX,
        _ => ATOM,
    }
}

/// How tightly an operator binds.
fn binding(op: BinaryOp) -> u8 {
    use BinaryOp::*;
    match op {
        Pipe => 1,
        Or => 2,
        And => 3,
        Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual => 5,
        Ramp => 6,
        Range => 7,
        Add | Subtract => 8,
        Multiply | Divide | MatMul => 9,
        Power => 11,
    }
}

/// How tightly the operands of an operator must bind at least.
fn sides(op: BinaryOp) -> (u8, u8) {
    let level = binding(op);
    match op {
        BinaryOp::Power => (level + 1, NEGATE),
        _ if (5..=7).contains(&level) => (level + 1, level + 1),
        _ => (level, level + 1),
    }
}

/// Whether a line may end before the operator.
fn is_broken(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Pipe | BinaryOp::Or | BinaryOp::And | BinaryOp::Add | BinaryOp::Subtract)
}

fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Pipe => "|",
        BinaryOp::Or => "or",
        BinaryOp::And => "and",
        BinaryOp::Equal => "==",
        BinaryOp::NotEqual => "!=",
        BinaryOp::Less => "<",
        BinaryOp::LessEqual => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterEqual => ">=",
        BinaryOp::Ramp => "->",
        BinaryOp::Range => "..",
        BinaryOp::Add => "+",
        BinaryOp::Subtract => "-",
        BinaryOp::Multiply => "*",
        BinaryOp::Divide => "/",
        BinaryOp::MatMul => "@",
        BinaryOp::Power => "^",
    }
}
