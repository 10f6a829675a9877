//! `base.name`: a stage, a tap, a transpose, or an attribute of the batch.

use super::checker::{Checked, Checker};
use super::scope::Env;
use super::value::Value;
use crate::diag::{Code, Diagnostic, suggest};
use crate::graph::{Dim, InputKind, Shape, TensorType};
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Name};

impl Checker<'_> {
    pub(super) fn field(&mut self, base: &Expr, name: &Name, span: Span, env: &Env) -> Checked<Value> {
        if let ExprKind::Name(block) = &base.kind
            && block == "loss"
            && env.get(block).is_none()
        {
            return self.term_named(name);
        }
        let value = self.eval(base, env)?;
        self.part_named(&value, name, base.span, span)
    }

    /// `value.name` for a path given as text.
    pub(super) fn part_of(&mut self, value: &Value, name: &str, span: Span) -> Checked<Value> {
        self.part_named(value, &Name { text: name.to_owned(), span }, span, span)
    }

    fn part_named(&mut self, value: &Value, name: &Name, base: Span, span: Span) -> Checked<Value> {
        let known: Vec<String> = match value {
            Value::Branch(branch) => {
                self.must_be_settled(*branch, base)?;
                if let Some(stage) = self.branches.stage(*branch, &name.text) {
                    return Ok(Value::Stage(*branch, stage));
                }
                self.branches.stages(*branch)
            }
            Value::Applied(applied) => {
                if let Some(stage) = self.branches.stage(applied.branch, &name.text) {
                    let (node, taps) = self.applied_stage(&applied.clone(), stage, span)?;
                    return Ok(Value::Tapped(node, taps));
                }
                let (node, taps) = self.applied_output(&applied.clone(), span)?;
                if let Some(found) = self.part(node, &taps, name, span) {
                    return found;
                }
                let taps = taps.into_iter().map(|(tap, _)| tap);
                self.branches.stages(applied.branch).into_iter().chain(taps).collect()
            }
            Value::Tapped(node, taps) => {
                if let Some(found) = self.part(*node, &taps.clone(), name, span) {
                    return found;
                }
                taps.iter().map(|(tap, _)| tap.clone()).chain(["T".to_owned()]).collect()
            }
            Value::Batch => match name.text.as_str() {
                "label" => return Ok(self.batch_input("batch.label", InputKind::Label)),
                "index" => return Ok(self.batch_input("batch.index", InputKind::Index)),
                _ => return self.column(name),
            },
            Value::Tensor(_) | Value::View(_) if name.text == "T" => {
                let node = self.tensor(value, base)?;
                return self.transposed(node, span);
            }
            Value::View(view) => return self.mask_attribute(*view, name),
            _ => vec!["T".to_owned()],
        };
        let message = format!("{} has no `{}`", value.kind(), name.text);
        let help = suggest(&name.text, known.iter().map(String::as_str));
        Err(self.report(Diagnostic::error(Code::UNKNOWN_FIELD, name.span, message).maybe_help(help)))
    }

    /// A tap of that name, or the transpose.
    fn part(
        &mut self,
        node: crate::graph::NodeId,
        taps: &[(String, crate::graph::NodeId)],
        name: &Name,
        span: Span,
    ) -> Option<Checked<Value>> {
        if let Some((_, tap)) = taps.iter().find(|(tap, _)| *tap == name.text) {
            return Some(Ok(Value::Tensor(*tap)));
        }
        // Taps that are numbered, `blocks.0` and so on, are a list.
        let numbered = |i: usize| taps.iter().find(|(tap, _)| *tap == format!("{}.{i}", name.text));
        let items: Vec<Value> = (0..).map_while(numbered).map(|(_, tap)| Value::Tensor(*tap)).collect();
        if !items.is_empty() {
            return Some(Ok(Value::List(items)));
        }
        (name.text == "T").then(|| self.transposed(node, span))
    }

    fn transposed(&mut self, node: crate::graph::NodeId, span: Span) -> Checked<Value> {
        self.built(span, |g| g.transpose_last(node)).map(Value::Tensor)
    }

    fn batch_input(&mut self, name: &str, kind: InputKind) -> Value {
        let ty = TensorType::int(Shape(vec![Dim::batch()]));
        Value::Tensor(self.graph.input(name, ty, kind))
    }
}
