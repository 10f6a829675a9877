//! Arguments: matched to the parameters of an entry, typed, defaults filled in.

use super::arithmetic::as_dim;
use super::checker::{Checked, Checker};
use super::module::Module;
use super::scope::{Env, Home};
use super::value::Value;
use crate::catalog::{Arg, Config, Entry, Kind, Param, ParamType, Schedule};
use crate::diag::{Code, Diagnostic, suggest};
use crate::graph;
use crate::source::{FileId, Span};
use crate::syntax::{
    self,
    ast::{self, Expr, ExprKind},
};
use std::rc::Rc;

/// A parameter and what was written for it; nothing where its default holds.
pub(super) struct Slot<'e> {
    pub param: &'static Param,
    pub given: Vec<&'e Expr>,
}

impl Checker<'_> {
    /// Which argument goes to which parameter.
    pub(super) fn slots<'e>(
        &mut self,
        entry: &'static Entry,
        args: &'e [ast::Arg],
        span: Span,
    ) -> Checked<Vec<Slot<'e>>> {
        let mut slots: Vec<Slot> = entry.params.iter().map(|param| Slot { param, given: Vec::new() }).collect();
        let mut next = 0;
        let mut failed = None;
        for arg in args {
            match &arg.name {
                None => match slots.get_mut(next) {
                    Some(slot) => {
                        slot.given.push(&arg.value);
                        next += usize::from(!slot.param.variadic);
                    }
                    None => failed = Some(self.too_many(entry, arg)),
                },
                Some(name) => match slots.iter_mut().find(|s| s.param.name == name.text) {
                    // An override replaces what the source says.
                    Some(slot) if slot.given.is_empty() || self.is_override(name.span) => slot.given = vec![&arg.value],
                    Some(_) => failed = Some(self.given_twice(name)),
                    None => failed = Some(self.unknown_argument(entry, name)),
                },
            }
        }
        for slot in &slots {
            if slot.given.is_empty() && slot.param.default.is_none() {
                let message = format!("`{}` needs `{}`: {}", entry.name, slot.param.name, slot.param.doc);
                let help = format!("`{}`", signature(entry));
                failed = Some(self.report(Diagnostic::error(Code::MISSING_ARGUMENT, span, message).help(help)));
            }
        }
        failed.map_or(Ok(slots), Err)
    }

    fn is_override(&self, span: Span) -> bool {
        self.sources.get(span.file).name.starts_with("--set")
    }

    fn too_many(&mut self, entry: &Entry, arg: &ast::Arg) -> super::checker::Failed {
        let count = entry.params.len();
        let message = format!("`{}` takes at most {count} argument{}", entry.name, if count == 1 { "" } else { "s" });
        self.report(
            Diagnostic::error(Code::TOO_MANY_ARGUMENTS, arg.value.span, message)
                .help(format!("`{}`", signature(entry))),
        )
    }

    fn given_twice(&mut self, name: &ast::Name) -> super::checker::Failed {
        let message = format!("`{}` is given twice", name.text);
        self.report(Diagnostic::error(Code::DUPLICATE_NAME, name.span, message))
    }

    fn unknown_argument(&mut self, entry: &Entry, name: &ast::Name) -> super::checker::Failed {
        let code = if self.is_override(name.span) { Code::UNKNOWN_OVERRIDE } else { Code::UNKNOWN_ARGUMENT };
        let help = suggest(&name.text, entry.params.iter().map(|p| p.name))
            .unwrap_or_else(|| format!("`{}`", signature(entry)));
        let message = format!("`{}` has no argument `{}`", entry.name, name.text);
        self.report(Diagnostic::error(code, name.span, message).help(help))
    }

    /// A call of a word with every argument spelled out.
    pub(super) fn configure(
        &mut self,
        entry: &'static Entry,
        args: &[ast::Arg],
        span: Span,
        env: &Env,
    ) -> Checked<Config> {
        self.configure_with_modules(entry, args, span, env).map(|(config, _)| config)
    }

    /// A call of a word with every argument spelled out, and its arguments that are modules in order.
    pub(super) fn configure_with_modules(
        &mut self,
        entry: &'static Entry,
        args: &[ast::Arg],
        span: Span,
        env: &Env,
    ) -> Checked<(Config, Vec<Rc<Module>>)> {
        let slots = self.slots(entry, args, span)?;
        let modules = slots.iter().filter(|s| s.param.ty == ParamType::Module).flat_map(|s| &s.given);
        let modules = modules.map(|e| self.module(e, env)).collect::<Checked<_>>()?;
        Ok((self.configure_slots(entry, &slots, span, env)?, modules))
    }

    /// The settings of a call; tensors and modules are not among them.
    pub(super) fn configure_slots(
        &mut self,
        entry: &'static Entry,
        slots: &[Slot],
        span: Span,
        env: &Env,
    ) -> Checked<Config> {
        let mut filled = Vec::new();
        let mut failed = None;
        for slot in slots {
            if matches!(slot.param.ty, ParamType::Module | ParamType::Tensor) {
                continue;
            }
            match self.config_arg(slot, env) {
                Ok(arg) => filled.push((slot.param.name.to_owned(), arg)),
                Err(e) => failed = Some(e),
            }
        }
        let config = Config { name: entry.name.to_owned(), args: filled, span };
        failed.map_or(Ok(config), Err)
    }

    fn config_arg(&mut self, slot: &Slot, env: &Env) -> Checked<Arg> {
        if slot.given.is_empty() {
            return match slot.param {
                Param { ty: ParamType::Word(_), default: Some(text), .. } if *text != "none" => {
                    self.default_word(slot.param, text)
                }
                param => Ok(default_arg(param)),
            };
        }
        if slot.param.variadic {
            let items: Checked<Vec<Arg>> = slot.given.iter().map(|e| self.typed(slot.param, e, env)).collect();
            return items.map(Arg::List);
        }
        self.typed(slot.param, slot.given[0], env)
    }

    /// A default that is a call, as it would be written in a recipe.
    fn default_word(&mut self, param: &'static Param, text: &str) -> Checked<Arg> {
        match syntax::parse_expr(FileId(0), text) {
            Ok(expr) => self.typed(param, &expr, &Env::new(Home::Library)),
            Err(diagnostic) => Err(self.report(diagnostic)),
        }
    }

    /// One written argument, checked against its parameter.
    fn typed(&mut self, param: &'static Param, expr: &Expr, env: &Env) -> Checked<Arg> {
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

    /// The arguments of an operation's call as the graph takes them.
    pub(super) fn operands(
        &mut self,
        function: &'static graph::Function,
        slots: &[Slot],
        first: Option<(Value, Span)>,
        env: &Env,
    ) -> Checked<graph::Call> {
        self.streams += 1;
        let mut call = graph::Call { args: Vec::new(), stream: self.streams };
        for (i, slot) in slots.iter().enumerate() {
            let value = match (&first, i) {
                (Some((value, span)), 0) => self.tensor_operand(slot.param, &[(value.clone(), *span)])?,
                _ => self.operand(slot, env)?,
            };
            call.args.push((slot.param.name, value));
        }
        debug_assert_eq!(call.args.len(), function.entry.params.len());
        Ok(call)
    }

    fn operand(&mut self, slot: &Slot, env: &Env) -> Checked<graph::Value> {
        let param = slot.param;
        if param.ty == ParamType::Tensor && !slot.given.is_empty() {
            let values: Checked<Vec<(Value, Span)>> =
                slot.given.iter().map(|e| Ok((self.eval(e, env)?, e.span))).collect();
            let values = values?;
            if param.default == Some("none") && matches!(values.as_slice(), [(Value::None, _)]) {
                return Ok(graph::Value::None);
            }
            return self.tensor_operand(param, &values);
        }
        if matches!(param.ty, ParamType::Dims | ParamType::Axis | ParamType::Axes) && !slot.given.is_empty() {
            return self.dims_operand(param, slot.given[0], env);
        }
        Ok(match self.config_arg(slot, env)? {
            Arg::Number(x) => match param.ty {
                ParamType::Axis | ParamType::Axes => graph::Value::Axes(vec![x as i64]),
                ParamType::Tensor => graph::Value::Tensor(self.graph.constant(x)),
                _ => graph::Value::Number(x),
            },
            Arg::Bool(b) => graph::Value::Bool(b),
            Arg::Text(t) => graph::Value::Text(t),
            Arg::List(items) if matches!(param.ty, ParamType::Axis | ParamType::Axes) => graph::Value::Axes(
                items.iter().filter_map(|a| if let Arg::Number(x) = a { Some(*x as i64) } else { None }).collect(),
            ),
            _ => graph::Value::None,
        })
    }

    fn tensor_operand(&mut self, param: &Param, values: &[(Value, Span)]) -> Checked<graph::Value> {
        let mut nodes = Vec::new();
        let mut from_list = false;
        for (value, span) in values {
            match value {
                Value::List(items) => {
                    from_list = true;
                    for item in items {
                        nodes.push(self.tensor(item, *span)?);
                    }
                }
                other => nodes.push(self.tensor(other, *span)?),
            }
        }
        let span = values[0].1;
        match (param.variadic, nodes.as_slice()) {
            (_, []) => self.error(
                Code::INVALID_VALUE,
                span,
                "the list is empty: no round of the loop is left by its condition",
            ),
            (true, _) => Ok(graph::Value::Tensors(nodes)),
            // A function of one tensor takes a list as its stack.
            (false, _) if from_list => {
                self.at(span);
                let stacked = self.graph.stack(&nodes, 0);
                self.shaped(stacked, span).map(graph::Value::Tensor)
            }
            (false, _) => Ok(graph::Value::Tensor(nodes[0])),
        }
    }

    fn dims_operand(&mut self, param: &Param, expr: &Expr, env: &Env) -> Checked<graph::Value> {
        let value = self.eval(expr, env)?;
        if matches!(value, Value::None) && param.default == Some("none") {
            return Ok(graph::Value::None);
        }
        let items = match &value {
            Value::List(items) => items.clone(),
            other => vec![other.clone()],
        };
        let dims: Option<Vec<graph::Dim>> = items.iter().map(as_dim).collect();
        let wrong = match (dims, param.ty) {
            (Some(dims), ParamType::Dims) => return Ok(graph::Value::Dims(dims)),
            (Some(dims), _) => match dims.iter().map(graph::Dim::constant).collect() {
                Some(axes) => return Ok(graph::Value::Axes(axes)),
                None => "numbers known before training",
            },
            (None, _) => describe(param.ty),
        };
        let message = format!("`{}` must be {wrong}, found {}", param.name, value.kind());
        self.error(Code::WRONG_TYPE, expr.span, message)
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
fn default_arg(param: &Param) -> Arg {
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

/// The signature as it is written in documentation: `crop(scale, ratio: 0.75..1.33)`.
pub fn signature(entry: &Entry) -> String {
    let param = |p: &Param| match (p.default, p.variadic) {
        (_, true) => format!("{}...", p.name),
        (Some(default), _) => format!("{}: {default}", p.name),
        (None, _) => p.name.to_owned(),
    };
    let params: Vec<String> = entry.params.iter().map(param).collect();
    format!("{}({})", entry.name, params.join(", "))
}
