//! `and`, `or` and `not`: on truth values that are known before training, and on conditions, element by element.

use super::checker::{Checked, Checker};
use super::scope::Env;
use super::value::Value;
use crate::diag::{Code, Diagnostic};
use crate::graph::{DType, NodeId};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr};

/// A truth value that is known, or a tensor of them.
enum Truth {
    Known(bool),
    Computed(NodeId),
}

impl From<Truth> for Value {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::Known(known) => Value::Bool(known),
            Truth::Computed(node) => Value::Tensor(node),
        }
    }
}

impl Checker<'_> {
    /// `left and right`, `left or right`. What the left side settles before training is not looked at further.
    pub(super) fn junction(
        &mut self,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        span: Span,
        env: &Env,
    ) -> Checked<Value> {
        let and = op == BinaryOp::And;
        let first = match self.condition(left, env)? {
            Truth::Known(known) if known != and => return Ok(Value::Bool(known)),
            Truth::Known(_) => return self.condition(right, env).map(Value::from),
            Truth::Computed(node) => node,
        };
        let second = match self.condition(right, env)? {
            Truth::Known(known) if known != and => return Ok(Value::Bool(known)),
            Truth::Known(_) => return Ok(Value::Tensor(first)),
            Truth::Computed(node) => node,
        };
        let (then, otherwise) = if and { (second, first) } else { (first, second) };
        self.built(span, |g| g.select(first, then, otherwise)).map(Value::Tensor)
    }

    /// `not inner`
    pub(super) fn negation(&mut self, inner: &Expr, span: Span, env: &Env) -> Checked<Value> {
        match self.condition(inner, env)? {
            Truth::Known(known) => Ok(Value::Bool(!known)),
            Truth::Computed(node) => {
                let negated = self.built(span, |g| {
                    let zero = g.constant(0.0);
                    g.equal(node, zero)
                });
                negated.map(Value::Tensor)
            }
        }
    }

    fn condition(&mut self, expr: &Expr, env: &Env) -> Checked<Truth> {
        let value = self.eval(expr, env)?;
        let found = match &value {
            Value::Bool(known) => return Ok(Truth::Known(*known)),
            Value::Tensor(node) | Value::Tapped(node, _) => match self.graph.ty(*node) {
                ty if ty.dtype == DType::Bool => return Ok(Truth::Computed(*node)),
                ty => format!("a tensor of numbers {}", ty.shape),
            },
            other => other.kind().to_owned(),
        };
        let diagnostic = Diagnostic::error(Code::WRONG_TYPE, expr.span, format!("expected a condition, found {found}"));
        Err(self.report(diagnostic.help("compare it with something, as in `x > 0`")))
    }
}
