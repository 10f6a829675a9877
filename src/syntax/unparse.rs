//! The text of a syntax tree that no source holds whole: of parts from several files, with values replaced.

use super::ast::{
    Arg, BinaryOp, Comprehension, Entry, EntryValue, Expr, ExprKind, Let, Param, Stage, UnaryOp, ViewEntry,
};

/// An expression in one line.
pub fn expression(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Number(x) => number(*x),
        ExprKind::Text(text) => quoted(text),
        ExprKind::Bool(b) => b.to_string(),
        ExprKind::Name(name) => name.clone(),
        ExprKind::List(items) => format!("[{}]", list(items, expression)),
        ExprKind::Unary(UnaryOp::Negate, inner) => format!("-{}", inside(inner, UNARY)),
        ExprKind::Unary(UnaryOp::Not, inner) => format!("not {}", inside(inner, UNARY)),
        ExprKind::Binary(op, left, right) => binary(*op, left, right),
        ExprKind::Call(callee, args) => format!("{}({})", inside(callee, ATOM), list(args, argument)),
        ExprKind::Field(base, name) => format!("{}.{}", inside(base, ATOM), name.text),
        ExprKind::Index(base, indices) => format!("{}[{}]", inside(base, ATOM), list(indices, expression)),
        ExprKind::Comprehension(c) => comprehension(c),
    }
}

/// `name: value`, or `name { ... }`.
pub fn entry(entry: &Entry) -> String {
    match &entry.value {
        EntryValue::Expr(value) => format!("{}: {}", entry.name.text, expression(value)),
        EntryValue::Block(inner) => format!("{} {{\n{}\n}}", entry.name.text, lines(inner, self::entry)),
    }
}

/// A line of `views`.
pub fn view(entry: &ViewEntry) -> String {
    let names = list(&entry.names, |n| match &n.count {
        Some(count) => format!("{}[{}]", n.name.text, expression(count)),
        None => n.name.text.clone(),
    });
    match &entry.pipeline {
        Some(pipeline) => format!("{names}: {}", expression(pipeline)),
        None => names,
    }
}

/// A line of a branch.
pub fn stage(stage: &Stage) -> String {
    let on = stage.on.as_ref().map(|on| format!(" on {}", expression(on))).unwrap_or_default();
    format!("{}: {}{on}", stage.name.text, expression(&stage.module))
}

/// A definition.
pub fn definition(definition: &Let) -> String {
    let params = definition.params.as_ref().map(|p| format!("({})", list(p, parameter))).unwrap_or_default();
    let head = format!("let {}{params}", definition.name.text);
    if !definition.block {
        return format!("{head} = {}", expression(&definition.value));
    }
    let mut body: Vec<String> = definition.lets.iter().map(self::definition).collect();
    body.push(expression(&definition.value));
    format!("{head} {{\n{}\n}}", body.join("\n"))
}

/// Several things, a line each.
pub fn lines<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join("\n")
}

/// Several things with commas.
pub fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// A string literal.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t"))
}

const UNARY: u8 = 9;
const ATOM: u8 = 11;

/// How tightly an operator binds; an operand that binds less is put in parentheses.
fn strength(expr: &Expr) -> u8 {
    match &expr.kind {
        ExprKind::Binary(op, ..) => binding(*op),
        ExprKind::Unary(..) => UNARY,
        ExprKind::Number(x) if *x < 0.0 => UNARY,
        ExprKind::Comprehension(_) => 0,
        _ => ATOM,
    }
}

fn binding(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Pipe => 1,
        BinaryOp::Or => 2,
        BinaryOp::And => 3,
        BinaryOp::Equal
        | BinaryOp::NotEqual
        | BinaryOp::Less
        | BinaryOp::LessEqual
        | BinaryOp::Greater
        | BinaryOp::GreaterEqual => 4,
        BinaryOp::Ramp => 5,
        BinaryOp::Range => 6,
        BinaryOp::Add | BinaryOp::Subtract => 7,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::MatMul => 8,
        BinaryOp::Power => 10,
    }
}

fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Pipe => " | ",
        BinaryOp::Or => " or ",
        BinaryOp::And => " and ",
        BinaryOp::Equal => " == ",
        BinaryOp::NotEqual => " != ",
        BinaryOp::Less => " < ",
        BinaryOp::LessEqual => " <= ",
        BinaryOp::Greater => " > ",
        BinaryOp::GreaterEqual => " >= ",
        BinaryOp::Ramp => " -> ",
        BinaryOp::Range => "..",
        BinaryOp::Add => " + ",
        BinaryOp::Subtract => " - ",
        BinaryOp::Multiply => " * ",
        BinaryOp::Divide => " / ",
        BinaryOp::MatMul => " @ ",
        BinaryOp::Power => " ^ ",
    }
}

fn binary(op: BinaryOp, left: &Expr, right: &Expr) -> String {
    let own = binding(op);
    // Only powers group to the right; ranges, ramps and comparisons do not chain.
    let chains = !matches!(own, 4..=6);
    let (l, r) = match op {
        BinaryOp::Power => (own + 1, UNARY),
        _ if chains => (own, own + 1),
        _ => (own + 1, own + 1),
    };
    format!("{}{}{}", inside(left, l), symbol(op), inside(right, r))
}

fn inside(expr: &Expr, at_least: u8) -> String {
    let text = expression(expr);
    if strength(expr) < at_least { format!("({text})") } else { text }
}

/// A number, as short as it can be read back.
pub fn number(x: f64) -> String {
    let plain = format!("{x}");
    let short = format!("{x:e}");
    if short.len() < plain.len() { short } else { plain }
}

fn argument(arg: &Arg) -> String {
    match &arg.name {
        Some(name) => format!("{}: {}", name.text, expression(&arg.value)),
        None => expression(&arg.value),
    }
}

fn comprehension(c: &Comprehension) -> String {
    let rounds = list(&c.loops, |l| format!("{} in {}", list(&l.names, |n| n.text.clone()), expression(&l.over)));
    let guard = c.guard.as_ref().map(|g| format!(" if {}", expression(g))).unwrap_or_default();
    format!("{} for {rounds}{guard}", expression(&c.value))
}

fn parameter(param: &Param) -> String {
    let shape = param.shape.as_ref().map(|s| format!(": [{}]", list(s, expression))).unwrap_or_default();
    let default = param.default.as_ref().map(|d| format!(" = {}", expression(d))).unwrap_or_default();
    format!("{}{shape}{default}", param.name.text)
}
