//! One written argument, checked against the type of its parameter.

use super::checker::{Checked, Checker};
use super::frozen::folder;
use super::scope::{Env, Home};
use super::value::Value;
use super::views::Base;
use crate::catalog::{Arg, Kind, Param, ParamType, Schedule};
use crate::data::absolute;
use crate::diag::{Code, Diagnostic, suggest};
use crate::source::Span;
use crate::syntax::{
    self,
    ast::{Expr, ExprKind},
};

impl Checker<'_> {
    /// A default that is a call, as it would be written in a recipe. It is put down to `span`, where it was left out.
    pub(super) fn default_word(&mut self, param: &'static Param, text: &str, span: Span) -> Checked<Arg> {
        match syntax::parse_expr_at(span, text) {
            Ok(expr) => self.typed(param, &expr, &Env::new(Home::Library)),
            Err(diagnostic) => Err(self.report(diagnostic)),
        }
    }

    /// One written argument, checked against its parameter.
    pub(super) fn typed(&mut self, param: &'static Param, expr: &Expr, env: &Env) -> Checked<Arg> {
        match param.ty {
            ParamType::Choice(choices) => return self.choice(param, choices, expr, env),
            ParamType::Selector => return self.selector(expr),
            ParamType::Word(kind) => return self.words(param, kind, expr, env),
            ParamType::Pipeline => return self.steps(param, expr, env),
            _ => {}
        }
        let value = self.eval(expr, env)?;
        if matches!(value, Value::None) && param.default == Some("none") {
            return Ok(Arg::None);
        }
        let arg = match (param.ty, &value) {
            (ParamType::Number { min, max }, v) => number(v).map(|x| (Arg::Number(x), (min..=max).contains(&x))),
            (ParamType::Int { min, max }, v) => {
                number(v).map(|x| (Arg::Number(x), x.fract() == 0.0 && (min as f64..=max as f64).contains(&x)))
            }
            (ParamType::Scalar { min, max }, Value::Schedule(s)) => {
                let (low, high) = s.bounds();
                Some((Arg::Schedule(s.clone()), min <= low && high <= max))
            }
            (ParamType::Scalar { min, max }, v) => number(v).map(|x| (Arg::Number(x), (min..=max).contains(&x))),
            (ParamType::Bool, Value::Bool(b)) => Some((Arg::Bool(*b), true)),
            (ParamType::Range { min, max }, Value::Range(a, b)) => {
                Some((Arg::Range(*a, *b), min <= *a && a <= b && *b <= max))
            }
            (ParamType::Range { min, max }, v) => number(v).map(|x| (Arg::Range(x, x), (min..=max).contains(&x))),
            (ParamType::Amount { min, max }, v) => amount(v).map(|(arg, low, high)| (arg, min <= low && high <= max)),
            (ParamType::Ramp, Value::Ramp(a, b)) => Some((Arg::Range(*a, *b), true)),
            (ParamType::Text, Value::Text(t)) => Some((Arg::Text(t.clone()), true)),
            (ParamType::Texts, value) => texts(value).map(|texts| (Arg::List(texts), true)),
            (ParamType::Path, Value::Text(t)) => {
                let path = absolute(&folder(self.sources, expr.span).join(t));
                Some((Arg::Text(path), true))
            }
            (ParamType::Numbers | ParamType::Axes | ParamType::Dims, Value::List(items)) => {
                let numbers: Option<Vec<Arg>> = items.iter().map(|v| number(v).map(Arg::Number)).collect();
                numbers.map(|n| (Arg::List(n), true))
            }
            (ParamType::Numbers | ParamType::Axes | ParamType::Axis | ParamType::Dims, v) => {
                number(v).map(|x| (Arg::List(vec![Arg::Number(x)]), true))
            }
            _ => None,
        };
        match arg {
            Some((arg, true)) => Ok(arg),
            Some((arg, false)) => {
                let message = format!("`{}` must be {}{}", param.name, describe(param.ty), found(&arg));
                self.error(Code::INVALID_VALUE, expr.span, message)
            }
            None => Err(self.report(wrong_type(param, expr, &value))),
        }
    }

    /// A pipeline that starts from the sample.
    fn steps(&mut self, param: &Param, expr: &Expr, env: &Env) -> Checked<Arg> {
        if matches!(&expr.kind, ExprKind::Name(word) if word == "none") && param.default == Some("none") {
            return Ok(Arg::None);
        }
        match self.pipeline(expr, env)? {
            (Base::Sample, steps) => Ok(Arg::List(steps.into_iter().map(Arg::Config).collect())),
            _ => {
                let message = format!("`{}` starts from the sample, not from a view or a column", param.name);
                self.error(Code::WRONG_TYPE, expr.span, message)
            }
        }
    }

    /// A configured word, or a list of them.
    fn words(&mut self, param: &Param, kind: Kind, expr: &Expr, env: &Env) -> Checked<Arg> {
        match &expr.kind {
            ExprKind::Name(word) if word == "none" && param.default.is_some() => Ok(Arg::None),
            ExprKind::List(items) => {
                items.iter().map(|i| self.words(param, kind, i, env)).collect::<Checked<_>>().map(Arg::List)
            }
            _ => self.word(expr, kind, env).map(Arg::Config),
        }
    }

    fn choice(&mut self, param: &Param, choices: &'static [&'static str], expr: &Expr, env: &Env) -> Checked<Arg> {
        let word = match &expr.kind {
            ExprKind::Name(word) if word == "none" && param.default == Some("none") => return Ok(Arg::None),
            ExprKind::Name(word) if choices.contains(&word.as_str()) => Some(word.clone()),
            ExprKind::Name(word) if env.get(word).is_none() && !self.definitions.names().any(|n| n.text == *word) => {
                Some(word.clone())
            }
            _ => match self.eval(expr, env)? {
                Value::Text(text) => Some(text),
                Value::None if param.default == Some("none") => return Ok(Arg::None),
                _ => None,
            },
        };
        match word {
            Some(word) if choices.contains(&word.as_str()) => Ok(Arg::Text(word)),
            word => {
                let message = format!("`{}` must be {}", param.name, describe(param.ty));
                let help = word.and_then(|w| suggest(&w, choices.iter().copied()));
                Err(self.report(Diagnostic::error(Code::INVALID_VALUE, expr.span, message).maybe_help(help)))
            }
        }
    }

    /// `bias`, `f.predictor`, or a list of these, as text.
    fn selector(&mut self, expr: &Expr) -> Checked<Arg> {
        match &expr.kind {
            ExprKind::List(items) => items.iter().map(|i| self.selector(i)).collect::<Checked<_>>().map(Arg::List),
            // The parts of a composition are numbered: `"f.head.2"`.
            ExprKind::Text(path) => Ok(Arg::Text(path.clone())),
            _ => match path(expr) {
                Some(path) => Ok(Arg::Text(path)),
                None => self.error(
                    Code::WRONG_TYPE,
                    expr.span,
                    "expected a name such as `bias`, or a path such as `f.encoder`",
                ),
            },
        }
    }
}

/// What is said of a value of another type than the parameter's.
fn wrong_type(param: &Param, expr: &Expr, value: &Value) -> Diagnostic {
    let message = format!("`{}` must be {}, found {}", param.name, describe(param.ty), value.kind());
    let help = match (value, param.ty) {
        (Value::Ramp(..), _) => {
            Some("a ramp goes inside a schedule, as in `cosine(0.3 -> 0.0, warmup: 10)`".to_owned())
        }
        (Value::Number(x), ParamType::Ramp) => {
            let x = bound(*x);
            Some(format!("a schedule goes from one value to another: `cosine({x} -> 0)`; `constant({x})` stays"))
        }
        _ => None,
    };
    Diagnostic::error(Code::WRONG_TYPE, expr.span, message).maybe_help(help)
}

/// A number, a range, or a list of these, with the least and the largest of it.
fn amount(value: &Value) -> Option<(Arg, f64, f64)> {
    match value {
        Value::Range(a, b) if a <= b => Some((Arg::Range(*a, *b), *a, *b)),
        Value::List(items) if !items.is_empty() && !items.iter().any(|i| matches!(i, Value::List(_))) => {
            let items = items.iter().map(amount).collect::<Option<Vec<_>>>()?;
            let low = items.iter().map(|i| i.1).fold(f64::INFINITY, f64::min);
            let high = items.iter().map(|i| i.2).fold(f64::NEG_INFINITY, f64::max);
            Some((Arg::List(items.into_iter().map(|i| i.0).collect()), low, high))
        }
        v => number(v).map(|x| (Arg::Number(x), x, x)),
    }
}

/// Strings, or one of them.
fn texts(value: &Value) -> Option<Vec<Arg>> {
    match value {
        Value::Text(text) => Some(vec![Arg::Text(text.clone())]),
        Value::List(items) if !items.is_empty() => {
            items.iter().map(|item| if let Value::Text(t) = item { Some(Arg::Text(t.clone())) } else { None }).collect()
        }
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(x) => Some(*x),
        Value::Dim(d) => d.constant().map(|n| n as f64),
        _ => None,
    }
}

/// `f.encoder` as text.
pub(super) fn path(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Field(base, name) => Some(format!("{}.{}", path(base)?, name.text)),
        _ => None,
    }
}

/// The default of a parameter as an argument.
pub(super) fn default_arg(param: &Param) -> Arg {
    let text = param.default.unwrap_or("none");
    let number = |t: &str| t.trim().parse::<f64>().ok();
    if text == "none" {
        return Arg::None;
    }
    if let Some(list) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        return Arg::List(list.split(',').filter_map(number).map(Arg::Number).collect());
    }
    if let Some((a, b)) = text.split_once("..")
        && let (Some(a), Some(b)) = (number(a), number(b))
    {
        return Arg::Range(a, b);
    }
    match (number(text), param.ty) {
        (Some(x), ParamType::Range { .. }) => Arg::Range(x, x),
        (Some(x), ParamType::Scalar { .. }) => Arg::Schedule(Schedule::constant(x)),
        (Some(x), ParamType::Numbers) => Arg::List(vec![Arg::Number(x)]),
        (Some(x), _) => Arg::Number(x),
        (None, ParamType::Bool) => Arg::Bool(text == "true"),
        (None, _) => Arg::Text(text.trim_matches('"').to_owned()),
    }
}

/// What was found instead, where that is a number.
fn found(arg: &Arg) -> String {
    match arg {
        Arg::Number(x) => format!(", not {}", bound(*x)),
        Arg::Range(a, b) if a == b => format!(", not {}", bound(*a)),
        Arg::Range(a, b) => format!(", not {}..{}", bound(*a), bound(*b)),
        Arg::Schedule(s) => {
            let (low, high) = s.bounds();
            format!("; its values lie between {} and {}", bound(low), bound(high))
        }
        _ => String::new(),
    }
}

/// A number as a person would write it.
fn bound(x: f64) -> String {
    // A whole number of many digits is written out: they may be what matters.
    let long = x.fract() == 0.0 && x.abs() < 1e16 && format!("{x:e}").len() > 6;
    let plain = x == 0.0 || long || (1e-4..1e7).contains(&x.abs());
    if plain { x.to_string() } else { format!("{x:e}") }
}

/// Numbers within bounds, in words: `kind` and between which they lie.
fn within(kind: &str, min: f64, max: f64) -> String {
    match (min > -f64::MAX, max < f64::MAX) {
        (true, true) => format!("{kind} from {} to {}", bound(min), bound(max)),
        (true, false) => format!("{kind} from {} up", bound(min)),
        (false, true) => format!("{kind} up to {}", bound(max)),
        (false, false) => kind.to_owned(),
    }
}

/// What a parameter takes, in words.
pub(super) fn describe(ty: ParamType) -> String {
    let plain = match ty {
        ParamType::Number { min, max } | ParamType::Scalar { min, max } => return within("a number", min, max),
        ParamType::Int { min, max } if max >= 1 << 62 => return within("a whole number", min as f64, f64::MAX),
        ParamType::Int { min, max } => return within("a whole number", min as f64, max as f64),
        ParamType::Range { min, max } => {
            return within("a range such as `0.2..1`, the smaller end first, of numbers", min, max);
        }
        ParamType::Amount { min, max } => {
            return format!("{}, a range such as `0.1..0.5`, or a list of these", within("a number", min, max));
        }
        ParamType::Choice(words) => return format!("one of {}", listed(words)),
        ParamType::Bool => "`true` or `false`",
        ParamType::Text => "a string in double quotes",
        ParamType::Texts => "a string in double quotes, or a list of these",
        ParamType::Path => "a path in double quotes",
        ParamType::Ramp => "a ramp such as `0.3 -> 0`",
        ParamType::Tensor => "a tensor",
        ParamType::Dims => "sizes such as `[N, 2, D]`",
        ParamType::Axis => "one dimension, such as `0` or `-1`",
        ParamType::Axes => "a dimension or a list of dimensions",
        ParamType::Numbers => "a list of numbers",
        ParamType::Module => "a module",
        ParamType::Pipeline => "a pipeline of augmentations such as `resize(32) | center_crop(32)`",
        ParamType::Selector => "a name or path",
        ParamType::Word(_) => "a configured word",
    };
    plain.to_owned()
}

/// `a`, `b` or `c`
fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|w| format!("`{w}`")).collect();
            format!("{} or `{last}`", first.join(", "))
        }
    }
}
