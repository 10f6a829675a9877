//! Expressions as mathematics, in LaTeX.

use super::ast::{Arg, BinaryOp, Comprehension, Expr, ExprKind, Let, UnaryOp};
use super::print;

/// An expression as LaTeX, for math mode.
pub fn latex(expr: &Expr) -> String {
    math(expr).0
}

/// A definition as an equation, its sides apart by `&=`; the definitions of its block stand behind it.
pub fn latex_definition(definition: &Let) -> String {
    let params = definition.params.as_ref().map(|params| {
        let param = |p: &super::ast::Param| match &p.default {
            Some(default) => format!("{} = {}", name(&p.name.text), latex(default)),
            None => name(&p.name.text),
        };
        format!("({})", params.iter().map(param).collect::<Vec<_>>().join(", "))
    });
    let head = if params.is_some() { operator(&definition.name.text) } else { name(&definition.name.text) };
    let inner = definition.lets.iter().map(|l| latex_definition(l).replacen("&=", "=", 1));
    let inner: Vec<String> = inner.collect();
    let block = if inner.is_empty() { String::new() } else { format!(", \\quad {}", inner.join(", \\quad ")) };
    format!("{head}{} &= {}{block}", params.unwrap_or_default(), latex(&definition.value))
}

/// How tightly a piece of mathematics holds together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    Relation,
    Sum,
    Product,
    Power,
    Atom,
}

/// A name as mathematicians write it: a letter with an index, a Greek letter, or a word.
pub fn name(text: &str) -> String {
    const GREEK: [&str; 10] = ["alpha", "beta", "gamma", "delta", "lambda", "mu", "sigma", "tau", "theta", "rho"];
    match text {
        "temperature" => return "\\tau".to_owned(),
        "eps" => return "\\varepsilon".to_owned(),
        word if GREEK.contains(&word) => return format!("\\{word}"),
        _ => {}
    }
    let letters: Vec<char> = text.chars().collect();
    match letters[..] {
        [letter] => letter.to_string(),
        [letter, index] if letter.is_alphabetic() => format!("{letter}_{index}"),
        _ => format!("\\mathrm{{{}}}", text.replace('_', "\\_")),
    }
}

fn operator(text: &str) -> String {
    if text.chars().count() == 1 { text.to_owned() } else { format!("\\operatorname{{{}}}", text.replace('_', "\\_")) }
}

fn math(expr: &Expr) -> (String, Hold) {
    match &expr.kind {
        ExprKind::Number(x) => (number(*x, expr), Hold::Atom),
        ExprKind::Text(text) => (format!("\\text{{{text}}}"), Hold::Atom),
        ExprKind::Bool(b) => (format!("\\mathrm{{{b}}}"), Hold::Atom),
        ExprKind::Name(word) => (name(word), Hold::Atom),
        ExprKind::List(items) => (format!("[{}]", commas(items)), Hold::Atom),
        ExprKind::Unary(UnaryOp::Negate, inner) => (format!("-{}", held(inner, Hold::Product)), Hold::Sum),
        ExprKind::Unary(UnaryOp::Not, inner) => (format!("\\lnot {}", held(inner, Hold::Atom)), Hold::Relation),
        ExprKind::Binary(op, left, right) => binary(*op, left, right),
        ExprKind::Call(callee, args) => call(callee, args),
        ExprKind::Field(base, part) if part.text == "T" => (format!("{}^\\top", held(base, Hold::Atom)), Hold::Power),
        ExprKind::Field(base, part) => (indexed(base, &name(&part.text)), Hold::Atom),
        ExprKind::Index(base, indices) => (indexed(base, &commas(indices)), Hold::Atom),
        ExprKind::Comprehension(rounds) => (format!("\\{{{}\\}}", over(rounds)), Hold::Atom),
    }
}

/// A piece in brackets, unless it holds together at least so tightly.
fn held(expr: &Expr, least: Hold) -> String {
    let (text, hold) = math(expr);
    if hold >= least { text } else { format!("\\left({text}\\right)") }
}

/// A piece with an index; one that has an index already is taken together first.
fn indexed(base: &Expr, index: &str) -> String {
    let base = held(base, Hold::Atom);
    if base.contains('_') { format!("{{{base}}}_{{{index}}}") } else { format!("{base}_{{{index}}}") }
}

fn commas(items: &[Expr]) -> String {
    items.iter().map(latex).collect::<Vec<_>>().join(", ")
}

/// As it is written, but powers of ten with an exponent.
fn number(x: f64, expr: &Expr) -> String {
    let written = print::expression(expr);
    match written.split_once('e') {
        Some(("1", exponent)) => format!("10^{{{exponent}}}"),
        Some((digits, exponent)) => format!("{digits} \\cdot 10^{{{exponent}}}"),
        None if x.is_finite() => written,
        None => format!("\\text{{{written}}}"),
    }
}

fn binary(op: BinaryOp, left: &Expr, right: &Expr) -> (String, Hold) {
    let infix =
        |sign: &str, hold, first, second| (format!("{} {sign} {}", held(left, first), held(right, second)), hold);
    let relation = |sign| infix(sign, Hold::Relation, Hold::Sum, Hold::Sum);
    match op {
        BinaryOp::Add => infix("+", Hold::Sum, Hold::Sum, Hold::Product),
        BinaryOp::Subtract => infix("-", Hold::Sum, Hold::Sum, Hold::Product),
        BinaryOp::Multiply if matches!(right.kind, ExprKind::Number(_)) => {
            infix("\\cdot", Hold::Product, Hold::Product, Hold::Power)
        }
        BinaryOp::Multiply | BinaryOp::MatMul => infix("\\,", Hold::Product, Hold::Product, Hold::Power),
        BinaryOp::Divide => (format!("\\frac{{{}}}{{{}}}", latex(left), latex(right)), Hold::Product),
        BinaryOp::Power => (format!("{}^{{{}}}", held(left, Hold::Atom), latex(right)), Hold::Power),
        BinaryOp::Range => (format!("[{}, {}]", latex(left), latex(right)), Hold::Atom),
        BinaryOp::Ramp => relation("\\to"),
        BinaryOp::Pipe => relation("\\mathbin{|}"),
        BinaryOp::Or => relation("\\lor"),
        BinaryOp::And => relation("\\land"),
        BinaryOp::Equal => relation("="),
        BinaryOp::NotEqual => relation("\\ne"),
        BinaryOp::Less => relation("<"),
        BinaryOp::LessEqual => relation("\\le"),
        BinaryOp::Greater => relation(">"),
        BinaryOp::GreaterEqual => relation("\\ge"),
    }
}

/// What is gone through, as below a sum: `u \in V, v \in W, u \ne v`.
fn conditions(rounds: &Comprehension) -> String {
    let round = |l: &super::ast::Loop| {
        let names: Vec<String> = l.names.iter().map(|n| name(&n.text)).collect();
        let names = if names.len() > 1 { format!("({})", names.join(", ")) } else { names.concat() };
        format!("{names} \\in {}", latex(&l.over))
    };
    rounds.loops.iter().map(round).chain(rounds.guard.iter().map(latex)).collect::<Vec<_>>().join(", ")
}

fn over(rounds: &Comprehension) -> String {
    format!("{} : {}", latex(&rounds.value), conditions(rounds))
}

fn call(callee: &Expr, args: &[Arg]) -> (String, Hold) {
    let word = if let ExprKind::Name(word) = &callee.kind { word.as_str() } else { "" };
    let only = match args {
        [Arg { name: None, value }] => Some(value),
        _ => None,
    };
    if let (Some(value), "mean" | "sum") = (only, word)
        && let ExprKind::Comprehension(rounds) = &value.kind
    {
        let sign = if word == "sum" { "\\sum" } else { "\\operatorname*{mean}" };
        // What follows it in a product would seem to belong to its rounds.
        return (format!("{sign}_{{{}}} {}", conditions(rounds), held(&rounds.value, Hold::Product)), Hold::Sum);
    }
    let written = match (word, only) {
        ("sqrt", Some(x)) => format!("\\sqrt{{{}}}", latex(x)),
        ("abs", Some(x)) => format!("\\left|{}\\right|", latex(x)),
        ("exp", Some(x)) => return (format!("e^{{{}}}", latex(x)), Hold::Power),
        ("log", Some(x)) => format!("\\log\\left({}\\right)", latex(x)),
        ("relu", Some(x)) => format!("\\max\\left(0, {}\\right)", latex(x)),
        ("stopgrad", Some(x)) => format!("\\operatorname{{sg}}\\left({}\\right)", latex(x)),
        ("normalize", Some(x)) => format!("\\frac{{{0}}}{{\\left\\lVert {0} \\right\\rVert}}", latex(x)),
        ("eye", Some(x)) => format!("I_{{{}}}", latex(x)),
        _ => applied(callee, args),
    };
    (written, Hold::Atom)
}

/// A function by its name; dimensions become an index, other arguments stand in brackets.
fn applied(callee: &Expr, args: &[Arg]) -> String {
    let head = match &callee.kind {
        ExprKind::Name(word) => operator(word),
        _ => held(callee, Hold::Atom),
    };
    let is = |arg: &Arg, wanted: &str| arg.name.as_ref().is_some_and(|n| n.text == wanted);
    let dim: String = args.iter().filter(|a| is(a, "dim")).map(|a| format!("_{{{}}}", latex(&a.value))).collect();
    // What keeps shapes together on paper goes without saying.
    let spoken = args.iter().filter(|a| !is(a, "dim") && !is(a, "keepdim"));
    let argument = |a: &Arg| match &a.name {
        Some(n) => format!("{} = {}", name(&n.text), latex(&a.value)),
        None => match &a.value.kind {
            ExprKind::Comprehension(rounds) => over(rounds),
            _ => latex(&a.value),
        },
    };
    format!("{head}{dim}\\left({}\\right)", spoken.map(argument).collect::<Vec<_>>().join(", "))
}
