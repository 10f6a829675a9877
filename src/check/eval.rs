//! Expressions: what they mean, an arm a kind.

use super::checker::{Checked, Checker};
use super::scope::{Env, Home};
use super::value::{Closure, Value};
use super::vocabulary;
use crate::catalog::Kind;
use crate::diag::{Code, Diagnostic, suggest};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Let, UnaryOp};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

impl Checker<'_> {
    /// The value of an expression.
    pub(super) fn eval(&mut self, expr: &Expr, env: &Env) -> Checked<Value> {
        self.deeper(expr.span, |checker| checker.eval_kind(expr, env))
    }

    fn eval_kind(&mut self, expr: &Expr, env: &Env) -> Checked<Value> {
        match &expr.kind {
            ExprKind::Number(x) => Ok(Value::Number(*x)),
            ExprKind::Text(text) => Ok(Value::Text(text.clone())),
            ExprKind::Bool(b) => Ok(Value::Bool(*b)),
            ExprKind::Name(name) => self.name(name, expr.span, env),
            ExprKind::List(items) => self.list(items, expr.span, env),
            ExprKind::Unary(UnaryOp::Negate, inner) => self.negate(inner, expr.span, env),
            ExprKind::Unary(UnaryOp::Not, inner) => self.negation(inner, expr.span, env),
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, expr.span, env),
            ExprKind::Call(callee, args) => self.call(callee, args, expr.span, env),
            ExprKind::Field(base, name) => self.field(base, name, expr.span, env),
            ExprKind::Index(base, indices) => self.index(base, indices, expr.span, env),
            ExprKind::Comprehension(comprehension) => self.comprehension(comprehension, env),
        }
    }

    /// The value of a definition: a function is kept, anything else is worked out now.
    pub(super) fn define_let(&mut self, definition: &Arc<Let>, env: &Env) -> Checked<Value> {
        if definition.params.is_some() {
            return Ok(Value::Function(Rc::new(Closure { definition: Arc::clone(definition), env: env.clone() })));
        }
        self.body(definition, env)
    }

    /// The value of a definition's body in `env`.
    pub(super) fn body(&mut self, definition: &Let, env: &Env) -> Checked<Value> {
        let mut env = env.clone();
        for inner in &definition.lets {
            let value = self.define_let(&Arc::new(inner.clone()), &env)?;
            env = env.bind(&inner.name.text, value);
        }
        self.eval(&definition.value, &env)
    }

    fn name(&mut self, name: &str, span: Span, env: &Env) -> Checked<Value> {
        if name == "none" {
            return Ok(Value::None);
        }
        if let Some(value) = env.get(name) {
            return self.copied(value, span);
        }
        if env.home == Home::Recipe
            && let Some(found) = self.global(Home::Recipe, name, span)
        {
            self.used.insert(name.to_owned());
            return found;
        }
        if let Some(found) = self.global(Home::Library, name, span) {
            return found;
        }
        if let Some(value) = vocabulary::value(name) {
            return Ok(value);
        }
        let help = suggest(name, self.visible(env).iter().map(String::as_str));
        Err(self.report(Diagnostic::error(Code::UNKNOWN_NAME, span, format!("there is no `{name}`")).maybe_help(help)))
    }

    /// Every name that can be used in `env`.
    fn visible(&self, env: &Env) -> BTreeSet<String> {
        let mut all: BTreeSet<String> = env.names().map(str::to_owned).collect();
        if env.home == Home::Recipe {
            all.extend(self.definitions.names().map(|n| n.text.clone()));
        }
        all.extend(self.library.lets.iter().map(|l| l.name.text.clone()));
        all.extend(vocabulary::expression_words().map(str::to_owned));
        all
    }

    /// A `param`: an expression, or a bare word that stands for a choice.
    pub(super) fn define_param(&mut self, value: &Expr, env: &Env) -> Checked<Value> {
        match &value.kind {
            ExprKind::Name(word) if !self.visible(env).contains(word) => Ok(Value::Text(word.clone())),
            _ => self.eval(value, env),
        }
    }

    /// A condition that is known before training.
    pub(super) fn truth(&mut self, expr: &Expr, env: &Env) -> Checked<bool> {
        match self.eval(expr, env)? {
            Value::Bool(b) => Ok(b),
            other => {
                let message = format!("expected a condition, found {}", other.kind());
                self.error(Code::WRONG_TYPE, expr.span, message)
            }
        }
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, span: Span, env: &Env) -> Checked<Value> {
        match op {
            BinaryOp::Pipe => self.pipe(left, right, env),
            BinaryOp::And | BinaryOp::Or => self.junction(op, left, right, span, env),
            BinaryOp::Ramp | BinaryOp::Range => {
                let a = self.number(left, env)?;
                let b = self.number(right, env)?;
                Ok(if op == BinaryOp::Ramp { Value::Ramp(a, b) } else { Value::Range(a, b) })
            }
            _ => {
                let a = self.eval(left, env);
                let b = self.eval(right, env);
                self.arithmetic(op, (a?, left.span), (b?, right.span), span)
            }
        }
    }

    /// A number that is known before training.
    pub(super) fn number(&mut self, expr: &Expr, env: &Env) -> Checked<f64> {
        match self.eval(expr, env)? {
            Value::Number(x) => Ok(x),
            Value::Dim(d) if d.constant().is_some() => Ok(d.constant().unwrap_or_default() as f64),
            other => {
                let message = format!("expected a number, found {}", other.kind());
                self.error(Code::WRONG_TYPE, expr.span, message)
            }
        }
    }

    /// The word of that kind which `expr` calls or names, every argument filled in.
    pub(super) fn word(&mut self, expr: &Expr, kind: Kind, env: &Env) -> Checked<crate::catalog::Config> {
        let (callee, args) = match &expr.kind {
            ExprKind::Call(callee, args) => (&**callee, args.as_slice()),
            _ => (expr, [].as_slice()),
        };
        let ExprKind::Name(name) = &callee.kind else {
            let message =
                format!("expected {}, as in `{}(...)`", super::value::kind_name(kind), vocabulary::example(kind));
            return self.error(Code::WRONG_TYPE, expr.span, message);
        };
        // A name of the recipe may stand for the word.
        if args.is_empty()
            && vocabulary::word(name, kind).is_none()
            && self.visible(env).contains(name)
            && let Value::Config(config) = self.eval(expr, env)?
        {
            return Ok(config);
        }
        let Some(entry) = vocabulary::word(name, kind) else {
            let help = suggest(name, vocabulary::words(kind).map(|e| e.name));
            let message = format!(
                "there is no {} `{name}`",
                super::value::kind_name(kind).trim_start_matches("a ").trim_start_matches("an ")
            );
            return Err(self.report(Diagnostic::error(Code::UNKNOWN_NAME, callee.span, message).maybe_help(help)));
        };
        self.configure(entry, args, expr.span, env)
    }
}
