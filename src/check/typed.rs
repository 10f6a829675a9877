//! One written argument, checked against the type of its parameter.

use super::checker::{Checked, Checker};
use super::scope::{Env, Home};
use super::value::Value;
use crate::catalog::{Arg, Kind, Param, ParamType, Schedule};
use crate::diag::{Code, Diagnostic, suggest};
use crate::source::FileId;
use crate::syntax::{
    self,
    ast::{Expr, ExprKind},
};

impl Checker<'_> {
    /// A default that is a call, as it would be written in a recipe.
    pub(super) fn default_word(&mut self, param: &'static Param, text: &str) -> Checked<Arg> {
        match syntax::parse_expr(FileId(0), text) {
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
                let inside = |x: f64| (min..=max).contains(&x);
                Some((Arg::Schedule(s.clone()), inside(s.from) && inside(s.to)))
            }
            (ParamType::Scalar { min, max }, v) => number(v).map(|x| (Arg::Number(x), (min..=max).contains(&x))),
            (ParamType::Bool, Value::Bool(b)) => Some((Arg::Bool(*b), true)),
            (ParamType::Range { min, max }, Value::Range(a, b)) => {
                Some((Arg::Range(*a, *b), min <= *a && a <= b && *b <= max))
            }
            (ParamType::Range { min, max }, v) => number(v).map(|x| (Arg::Range(x, x), (min..=max).contains(&x))),
            (ParamType::Amount { min, max }, v) => amount(v).map(|(arg, low, high)| (arg, min <= low && high <= max)),
            (ParamType::Ramp, Value::Ramp(a, b)) => Some((Arg::Range(*a, *b), true)),
            (ParamType::Ramp, v) => number(v).map(|x| (Arg::Range(x, x), true)),
            (ParamType::Text, Value::Text(t)) => Some((Arg::Text(t.clone()), true)),
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
            Some((_, false)) => {
                let message = format!("`{}` must be {}", param.name, describe(param.ty));
                self.error(Code::INVALID_VALUE, expr.span, message)
            }
            None => {
                let message = format!("`{}` must be {}, found {}", param.name, describe(param.ty), value.kind());
                let help = matches!(value, Value::Ramp(..))
                    .then(|| "a ramp goes inside a schedule, as in `cosine(0.3 -> 0.0, warmup: 10)`".to_owned());
                Err(self.report(Diagnostic::error(Code::WRONG_TYPE, expr.span, message).maybe_help(help)))
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
        (Some(x), _) => Arg::Number(x),
        (None, ParamType::Bool) => Arg::Bool(text == "true"),
        (None, _) => Arg::Text(text.trim_matches('"').to_owned()),
    }
}

/// What a parameter takes, in words.
pub(super) fn describe(ty: ParamType) -> &'static str {
    match ty {
        ParamType::Number { min, .. } | ParamType::Scalar { min, .. } if min > 0.0 => {
            "a number greater than zero, in its range"
        }
        ParamType::Number { min: 0.0, max: 1.0 } | ParamType::Scalar { min: 0.0, max: 1.0 } => "a number from 0 to 1",
        ParamType::Number { min: 0.0, .. } | ParamType::Scalar { min: 0.0, .. } => "a number not below zero",
        ParamType::Number { .. } | ParamType::Scalar { .. } => "a number",
        ParamType::Int { min: 1, .. } => "a whole number from 1",
        ParamType::Int { .. } => "a whole number in its range",
        ParamType::Bool => "`true` or `false`",
        ParamType::Range { .. } => "a range such as `0.2..1`, the smaller end first",
        ParamType::Amount { min: 0.0, max: 1.0 } => {
            "a number from 0 to 1, a range such as `0.1..0.5`, or a list of these"
        }
        ParamType::Amount { .. } => "a number, a range such as `0.1..0.5`, or a list of these",
        ParamType::Choice(_) => "one of the words it knows",
        ParamType::Text => "a string in double quotes",
        ParamType::Ramp => "a ramp such as `0.3 -> 0`",
        ParamType::Tensor => "a tensor",
        ParamType::Dims => "sizes such as `[N, 2, D]`",
        ParamType::Axis => "one dimension, such as `0` or `-1`",
        ParamType::Axes => "a dimension or a list of dimensions",
        ParamType::Numbers => "a list of numbers",
        ParamType::Module => "a module",
        ParamType::Selector => "a name or path",
        ParamType::Word(_) => "a configured word",
    }
}
