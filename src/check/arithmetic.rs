//! Arithmetic and comparisons, on numbers, sizes and tensors alike.

use super::checker::{Checked, Checker};
use super::scope::Env;
use super::value::Value;
use crate::diag::{Code, Diagnostic};
use crate::graph::{Dim, Graph, MAX_DEGREE, MAX_SUMMANDS, NodeId, ShapeError};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr};

impl Checker<'_> {
    /// The value of an infix operator.
    pub(super) fn arithmetic(
        &mut self,
        op: BinaryOp,
        a: (Value, Span),
        b: (Value, Span),
        span: Span,
    ) -> Checked<Value> {
        if let (Value::Number(x), Value::Number(y)) = (&a.0, &b.0)
            && let Some(value) = numbers(op, *x, *y)
        {
            return self.meant(value, op, *y, span);
        }
        if let (BinaryOp::Multiply, Some(left), Some(right)) = (op, as_dim(&a.0), as_dim(&b.0))
            && !left.may_times(&right)
        {
            let message = format!(
                "this size would have more than {MAX_SUMMANDS} summands, or more than {MAX_DEGREE} sizes multiplied in one"
            );
            return self.too_far(span, message);
        }
        if let Some(value) = sizes(op, &a.0, &b.0) {
            return Ok(value);
        }
        if let (BinaryOp::Equal | BinaryOp::NotEqual, Some(same)) = (op, self.same(&a.0, &b.0)) {
            return Ok(Value::Bool(same == (op == BinaryOp::Equal)));
        }
        let left = self.tensor(&a.0, a.1)?;
        let right = self.tensor(&b.0, b.1)?;
        self.built(span, |g| tensors(g, op, left, right)).map(Value::Tensor)
    }

    /// A number that was worked out, unless it is none, or comes from a division by 0.
    fn meant(&mut self, value: Value, op: BinaryOp, right: f64, span: Span) -> Checked<Value> {
        let (message, help) = match value {
            Value::Number(_) if op == BinaryOp::Divide && right == 0.0 => {
                ("this divides by 0", "give it another value; `infinity` is a number larger than any")
            }
            Value::Number(x) if x.is_nan() => {
                ("this is no number", "such are infinity - infinity, 0 * infinity and roots of negative numbers")
            }
            _ => return Ok(value),
        };
        Err(self.report(Diagnostic::error(Code::INVALID_VALUE, span, message).help(help)))
    }

    /// Whether two values that are known before training are the same. Views are when they are the same crop.
    fn same(&self, a: &Value, b: &Value) -> Option<bool> {
        match (a, b) {
            (Value::View(a), Value::View(b)) => Some(self.views.root(*a) == self.views.root(*b)),
            (Value::Text(a), Value::Text(b)) => Some(a == b),
            (Value::Bool(a), Value::Bool(b)) => Some(a == b),
            (Value::None, Value::None) => Some(true),
            (Value::None, _) | (_, Value::None) => Some(false),
            _ => None,
        }
    }

    /// `-e`
    pub(super) fn negate(&mut self, inner: &Expr, span: Span, env: &Env) -> Checked<Value> {
        match self.eval(inner, env)? {
            Value::Number(x) => Ok(Value::Number(-x)),
            Value::Dim(d) => Ok(Value::Dim(&Dim::default() - &d)),
            other => {
                let node = self.tensor(&other, inner.span)?;
                self.built(span, |g| g.neg(node)).map(Value::Tensor)
            }
        }
    }

    /// The node of a value that is, or can be read as, a tensor.
    pub(super) fn tensor(&mut self, value: &Value, span: Span) -> Checked<NodeId> {
        match value {
            Value::Tensor(node) | Value::Tapped(node, _) => Ok(*node),
            Value::Number(x) => self.built(span, |g| Ok(g.constant(*x))),
            Value::Dim(d) => self.built(span, |g| Ok(g.dimension(d))),
            Value::Bool(b) => self.built(span, |g| Ok(g.constant(f64::from(u8::from(*b))))),
            Value::Schedule(schedule) => self.built(span, |g| Ok(g.scheduled(schedule.clone()))),
            Value::View(view) => Ok(self.view_node(*view)),
            Value::Applied(applied) => self.applied_output(&applied.clone(), span).map(|(node, _)| node),
            Value::Branch(branch) => {
                let name = self.branches.name(*branch).to_owned();
                let message = format!("expected a tensor, found the branch `{name}`");
                let help = format!("apply it to a view, as in `{name}(a)`");
                Err(self.report(Diagnostic::error(Code::WRONG_TYPE, span, message).help(help)))
            }
            other => self.error(Code::WRONG_TYPE, span, format!("expected a tensor, found {}", other.kind())),
        }
    }
}

fn numbers(op: BinaryOp, x: f64, y: f64) -> Option<Value> {
    Some(match op {
        BinaryOp::Add => Value::Number(x + y),
        BinaryOp::Subtract => Value::Number(x - y),
        BinaryOp::Multiply => Value::Number(x * y),
        BinaryOp::Divide => Value::Number(x / y),
        BinaryOp::Power => Value::Number(x.powf(y)),
        BinaryOp::Equal => Value::Bool(x == y),
        BinaryOp::NotEqual => Value::Bool(x != y),
        BinaryOp::Less => Value::Bool(x < y),
        BinaryOp::LessEqual => Value::Bool(x <= y),
        BinaryOp::Greater => Value::Bool(x > y),
        BinaryOp::GreaterEqual => Value::Bool(x >= y),
        _ => return None,
    })
}

/// Sizes stay sizes under whole-number arithmetic, so that they can still shape a tensor.
fn sizes(op: BinaryOp, a: &Value, b: &Value) -> Option<Value> {
    if !matches!(a, Value::Dim(_)) && !matches!(b, Value::Dim(_)) {
        return None;
    }
    let (a, b) = (as_dim(a)?, as_dim(b)?);
    match op {
        BinaryOp::Add => Some(Value::Dim(&a + &b)),
        BinaryOp::Subtract => Some(Value::Dim(&a - &b)),
        BinaryOp::Multiply => Some(Value::Dim(&a * &b)),
        BinaryOp::Divide => a.divide(&b).map(Value::Dim),
        BinaryOp::Equal => Some(Value::Bool(a == b)),
        BinaryOp::NotEqual => Some(Value::Bool(a != b)),
        _ => numbers(op, a.constant()? as f64, b.constant()? as f64),
    }
}

/// A whole number or size as a dimension.
pub(super) fn as_dim(value: &Value) -> Option<Dim> {
    match value {
        Value::Dim(d) => Some(d.clone()),
        Value::Number(x) if x.fract() == 0.0 && x.abs() < 9e15 => Some(Dim::from(*x as i64)),
        _ => None,
    }
}

fn tensors(g: &mut Graph, op: BinaryOp, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
    match op {
        BinaryOp::Add => g.add(a, b),
        BinaryOp::Subtract => g.sub(a, b),
        BinaryOp::Multiply => g.mul(a, b),
        BinaryOp::Divide => g.div(a, b),
        BinaryOp::Power => g.pow(a, b),
        BinaryOp::MatMul => g.matmul(a, b),
        BinaryOp::Equal => g.equal(a, b),
        BinaryOp::NotEqual => g.not_equal(a, b),
        BinaryOp::Less => g.less(a, b),
        BinaryOp::LessEqual => g.less_equal(a, b),
        BinaryOp::Greater => g.greater(a, b),
        BinaryOp::GreaterEqual => g.greater_equal(a, b),
        BinaryOp::Pipe | BinaryOp::Or | BinaryOp::And | BinaryOp::Ramp | BinaryOp::Range => {
            Err(ShapeError::new("this operator does not take tensors"))
        }
    }
}
