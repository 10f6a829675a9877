//! Calls: of functions, operations, branches, stages and words.

use super::checker::{Checked, Checker};
use super::masks::Place;
use super::module::Fed;
use super::scope::Env;
use super::value::{Closure, Value};
use super::vocabulary;
use crate::catalog::{Entry, Kind};
use crate::diag::{Code, Diagnostic, suggest};
use crate::graph::{self, Dim};
use crate::source::Span;
use crate::syntax::ast::{Arg, BinaryOp, Expr, ExprKind, Param};
use std::collections::BTreeMap;

impl Checker<'_> {
    /// `callee(args)`
    pub(super) fn call(&mut self, callee: &Expr, args: &[Arg], span: Span, env: &Env) -> Checked<Value> {
        if let ExprKind::Name(name) = &callee.kind
            && has_ramp(args)
            && let Some(entry) = vocabulary::word(name, Kind::Schedule)
        {
            return self.call_word(entry, args, span, env);
        }
        // Without a tensor to work on, a word that is both an operation and a layer is the layer: `| flatten()`.
        if let ExprKind::Name(name) = &callee.kind
            && args.iter().all(|a| a.name.is_some())
            && let Some(entry) = vocabulary::word(name, Kind::Layer)
            && matches!(self.callee(callee, env)?, Value::Operation(_))
        {
            return self.call_word(entry, args, span, env);
        }
        match self.callee(callee, env)? {
            Value::Function(closure) => self.call_closure(&closure, args, span, env),
            Value::Operation(function) => self.call_operation(function, args, span, env),
            Value::ListFunction(function) => self.call_list_function(function, args, span, env),
            Value::Word(entry) => self.call_word(entry, args, span, env),
            Value::Branch(branch) => {
                let (value, at, of) = self.applied_to(args, span, env)?;
                self.apply_branch(branch, &value, of, at)
            }
            Value::Stage(branch, stage) => {
                let (value, at, of) = self.applied_to(args, span, env)?;
                let fed = Fed { x: self.tensor(&value, at)?, mask: of.and_then(|view| self.mask_input(view)) };
                if fed.mask.is_some() {
                    let module = self.stage_of(branch, stage)?;
                    self.must_take_mask(&[module], Place::Anywhere, span)?;
                }
                let (node, taps) = self.apply_stage(branch, stage, &fed, span)?;
                Ok(Value::Tapped(node, taps))
            }
            other => {
                let message = format!("{} cannot be called", other.kind());
                let help = matches!(other, Value::Module(_))
                    .then(|| "make the module a stage of a branch, then call the branch or the stage".to_owned());
                Err(self.report(Diagnostic::error(Code::WRONG_TYPE, callee.span, message).maybe_help(help)))
            }
        }
    }

    /// What is called. A parameter that is no function does not hide a function of its name: `blur(p: blur)`.
    fn callee(&mut self, callee: &Expr, env: &Env) -> Checked<Value> {
        if let ExprKind::Name(name) = &callee.kind
            && env.get(name).is_some_and(|value| !is_callable(value))
        {
            return self.eval(callee, &Env::new(env.home));
        }
        self.eval(callee, env)
    }

    /// What a branch or stage is applied to, and the masked view it was made from, if one is given.
    fn applied_to(&mut self, args: &[Arg], span: Span, env: &Env) -> Checked<(Value, Span, Option<usize>)> {
        match args {
            [Arg { name: None, value }] => Ok((self.eval(value, env)?, value.span, None)),
            [Arg { name: None, value }, Arg { name: None, value: view }] => {
                let of = self.masked_view(view, env)?;
                Ok((self.eval(value, env)?, value.span, Some(of)))
            }
            _ => {
                let message =
                    "a branch or stage takes what it is applied to, and the masked view that was made from, if any";
                self.error(Code::MISSING_ARGUMENT, span, message)
            }
        }
    }

    /// A call of a layer, an augmentation or a schedule.
    pub(super) fn call_word(&mut self, entry: &'static Entry, args: &[Arg], span: Span, env: &Env) -> Checked<Value> {
        match entry.kind {
            Kind::Layer => self.layer(entry, args, span, env).map(Value::Module),
            Kind::Schedule => {
                let config = self.configure(entry, args, span, env)?;
                self.schedule(&config).map(Value::Schedule)
            }
            _ => self.configure(entry, args, span, env).map(Value::Config),
        }
    }

    /// A call of an operation.
    pub(super) fn call_operation(
        &mut self,
        function: &'static graph::Function,
        args: &[Arg],
        span: Span,
        env: &Env,
    ) -> Checked<Value> {
        let slots = self.slots(&function.entry, args, span)?;
        let call = self.operands(function, &slots, None, span, env)?;
        self.built(span, |g| (function.build)(g, &call)).map(Value::Tensor)
    }

    /// An operation of one tensor, as a stage of a module.
    pub(super) fn apply_operation(
        &mut self,
        function: &'static graph::Function,
        x: graph::NodeId,
        span: Span,
    ) -> Checked<graph::NodeId> {
        let args = [Arg { name: None, value: Expr { kind: ExprKind::Bool(true), span } }];
        let slots = self.slots(&function.entry, &args, span)?;
        let env = Env::new(super::scope::Home::Library);
        let call = self.operands(function, &slots, Some((Value::Tensor(x), span)), span, &env)?;
        self.built(span, |g| (function.build)(g, &call))
    }

    fn call_closure(&mut self, closure: &Closure, args: &[Arg], span: Span, env: &Env) -> Checked<Value> {
        let name = closure.definition.name.text.clone();
        let params = closure.definition.params.as_deref().unwrap_or(&[]);
        let given = self.match_params(&name, params, args, span, env)?;
        self.call_with(closure, given, span)
    }

    /// Calls a function with values for its parameters, in order; `None` where the default holds.
    pub(super) fn call_with(
        &mut self,
        closure: &Closure,
        given: Vec<Option<(Value, Span)>>,
        span: Span,
    ) -> Checked<Value> {
        let name = closure.definition.name.text.clone();
        let params = closure.definition.params.as_deref().unwrap_or(&[]);
        let mut env = closure.env.clone();
        let mut bound = BTreeMap::new();
        for (param, given) in params.iter().zip(given) {
            let (value, at) = match (given, &param.default) {
                (Some(given), _) => given,
                (None, Some(default)) => {
                    let value = self.in_call(&closure.definition, span, |c| c.eval(default, &env))?;
                    (value, span)
                }
                (None, None) => {
                    let message = format!("`{name}` needs `{}`", param.name.text);
                    return self.error(Code::MISSING_ARGUMENT, span, message);
                }
            };
            let value = match &param.shape {
                Some(shape) => self.match_shape(&name, param, shape, &value, at, &mut bound)?,
                None => value,
            };
            env = env.bind(&param.name.text, value);
        }
        for (symbol, size) in bound {
            env = env.bind(&symbol, Value::Dim(size));
        }
        let definition = std::sync::Arc::clone(&closure.definition);
        self.in_call(&definition, span, |c| c.body(&definition, &env))
    }

    fn match_params(
        &mut self,
        name: &str,
        params: &[Param],
        args: &[Arg],
        span: Span,
        env: &Env,
    ) -> Checked<Vec<Option<(Value, Span)>>> {
        let mut given: Vec<Option<(Value, Span)>> = vec![None; params.len()];
        let mut next = 0;
        for arg in args {
            let index = match &arg.name {
                None => {
                    next += 1;
                    next - 1
                }
                Some(wanted) => match params.iter().position(|p| p.name.text == wanted.text) {
                    Some(i) => i,
                    None => {
                        let help = suggest(&wanted.text, params.iter().map(|p| p.name.text.as_str()));
                        let message = format!("`{name}` has no argument `{}`", wanted.text);
                        let diagnostic =
                            Diagnostic::error(Code::UNKNOWN_ARGUMENT, wanted.span, message).maybe_help(help);
                        return Err(self.report(diagnostic));
                    }
                },
            };
            let value = self.eval(&arg.value, env)?;
            match given.get_mut(index) {
                Some(Some(_)) => {
                    let message = format!("`{}` is given twice", params[index].name.text);
                    return self.error(Code::DUPLICATE_NAME, arg.value.span, message);
                }
                Some(slot) => *slot = Some((value, arg.value.span)),
                None => {
                    let message = format!("`{name}` takes at most {} arguments", params.len());
                    return self.error(Code::TOO_MANY_ARGUMENTS, arg.value.span, message);
                }
            }
        }
        if let Some(missing) = params.iter().zip(&given).find(|(p, g)| g.is_none() && p.default.is_none()) {
            let message = format!("`{name}` needs `{}`", missing.0.name.text);
            return self.error(Code::MISSING_ARGUMENT, span, message);
        }
        Ok(given)
    }

    /// A parameter that is declared a tensor takes a list as operations do: stacked along a new first dimension.
    fn stacked(&mut self, items: &[Value], at: Span) -> Checked<graph::NodeId> {
        if items.is_empty() {
            return self.error(Code::INVALID_VALUE, at, "the list is empty, and cannot be stacked to a tensor");
        }
        let nodes = items.iter().map(|item| self.tensor(item, at)).collect::<Checked<Vec<_>>>()?;
        self.built(at, |g| g.stack(&nodes, 0))
    }

    /// Holds a tensor against the declared shape `z: [N, D]`, binding sizes that are new.
    fn match_shape(
        &mut self,
        function: &str,
        param: &Param,
        declared: &[Expr],
        value: &Value,
        at: Span,
        bound: &mut BTreeMap<String, Dim>,
    ) -> Checked<Value> {
        let node = match value {
            Value::List(items) => self.stacked(items, at)?,
            value => self.tensor(value, at)?,
        };
        let shape = self.graph.shape(node).clone();
        let written: Vec<&str> = declared.iter().map(|e| self.sources.text(e.span)).collect();
        let fits = shape.rank() == declared.len()
            && declared.iter().zip(&shape.0).all(|(e, size)| match &e.kind {
                ExprKind::Name(symbol) => bound.entry(symbol.clone()).or_insert_with(|| size.clone()) == size,
                ExprKind::Number(x) => size.is(*x as i64),
                _ => false,
            });
        if fits {
            return Ok(Value::Tensor(node));
        }
        let known: Vec<String> = bound
            .iter()
            .map(|(s, d)| format!("{s} is {d}"))
            .filter(|s| written.iter().any(|w| s.starts_with(w)))
            .collect();
        let help =
            (shape.rank() == declared.len() && !known.is_empty()).then(|| format!("here {}", known.join(" and ")));
        let message = format!("`{}` of `{function}` must be [{}], found {shape}", param.name.text, written.join(", "));
        Err(self.report(Diagnostic::error(Code::SHAPE_MISMATCH, at, message).maybe_help(help)))
    }
}

fn is_callable(value: &Value) -> bool {
    matches!(
        value,
        Value::Function(_)
            | Value::Operation(_)
            | Value::ListFunction(_)
            | Value::Word(_)
            | Value::Branch(_)
            | Value::Stage(..)
    )
}

fn has_ramp(args: &[Arg]) -> bool {
    args.iter().any(|a| matches!(a.value.kind, ExprKind::Binary(BinaryOp::Ramp, ..)))
}
