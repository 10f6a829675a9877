//! The arguments of operations, as the graph takes them.

use super::arithmetic::as_dim;
use super::bind::Slot;
use super::checker::{Checked, Checker};
use super::scope::Env;
use super::typed::describe;
use super::value::Value;
use crate::catalog::{Arg, Param, ParamType};
use crate::diag::Code;
use crate::graph;
use crate::source::Span;
use crate::syntax::ast::Expr;

impl Checker<'_> {
    /// The arguments of an operation's call as the graph takes them.
    pub(super) fn operands(
        &mut self,
        function: &'static graph::Function,
        slots: &[Slot],
        first: Option<(Value, Span)>,
        span: Span,
        env: &Env,
    ) -> Checked<graph::Call> {
        self.streams += 1;
        let mut call = graph::Call { args: Vec::new(), stream: self.streams };
        for (i, slot) in slots.iter().enumerate() {
            let value = match (&first, i) {
                (Some((value, span)), 0) => self.tensor_operand(slot.param, &[(value.clone(), *span)])?,
                _ => self.operand(slot, span, env)?,
            };
            call.args.push((slot.param.name, value));
        }
        debug_assert_eq!(call.args.len(), function.entry.params.len());
        Ok(call)
    }

    fn operand(&mut self, slot: &Slot, span: Span, env: &Env) -> Checked<graph::Value> {
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
        Ok(match self.config_arg(slot, span, env)? {
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
                "the list is empty: the condition of the loop leaves out every round",
            ),
            (true, _) => Ok(graph::Value::Tensors(nodes)),
            // A function of one tensor takes a list as its stack.
            (false, _) if from_list => self.built(span, |g| g.stack(&nodes, 0)).map(graph::Value::Tensor),
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
                None => "numbers known before training".to_owned(),
            },
            (None, _) => describe(param.ty),
        };
        let found = match items.iter().find(|item| as_dim(item).is_none()) {
            Some(Value::Number(x)) => format!("the number {x:?}"),
            Some(item) => item.kind().to_owned(),
            None => value.kind().to_owned(),
        };
        let message = format!("`{}` must be {wrong}, found {found}", param.name);
        self.error(Code::WRONG_TYPE, expr.span, message)
    }
}
