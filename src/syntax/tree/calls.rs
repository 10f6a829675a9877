//! What follows a value: calls with their arguments and comprehensions, indices and fields.

use pest::iterators::Pair;

use super::Builder;
use super::expressions::Operand;
use crate::syntax::ast::{Arg, Comprehension, Expr, ExprKind, Loop};
use crate::syntax::grammar::Rule;
use crate::syntax::wording::slip;

impl Builder<'_> {
    pub(super) fn postfix(&self, left: Operand, op: Pair<Rule>, depth: usize) -> Operand {
        let span = left.outer.to(self.span(&op));
        let value = Box::new(left.expr);
        let kind = match op.as_rule() {
            Rule::call => ExprKind::Call(value, self.arguments(op, depth)),
            Rule::index => ExprKind::Index(value, op.into_inner().map(|p| self.expr(p, depth)).collect()),
            _ => ExprKind::Field(value, self.name(op.into_inner().next().expect("a field has a name"))),
        };
        Operand::new(kind, span)
    }

    fn arguments(&self, call: Pair<Rule>, depth: usize) -> Vec<Arg> {
        let args: Vec<Arg> = call.into_inner().map(|p| self.argument(p, depth)).collect();
        let is_comprehension = |arg: &Arg| matches!(arg.value.kind, ExprKind::Comprehension(_));
        let positional = args.iter().filter(|a| a.name.is_none()).count();
        for (i, arg) in args.iter().enumerate() {
            if is_comprehension(arg) && (arg.name.is_some() || positional > 1) {
                let help = "further arguments follow it by name: `sum(e for u in views, dim: 0)`";
                self.report(slip(arg.value.span, "a comprehension is the only value of its call").help(help));
            } else if arg.name.is_none() && i > 0 && args[i - 1].name.is_some() {
                self.report(slip(arg.value.span, "an argument without a name comes after one with a name"));
            }
        }
        args
    }

    fn argument(&self, pair: Pair<Rule>, depth: usize) -> Arg {
        let span = self.span(&pair);
        let mut inner = pair.into_inner().peekable();
        let name = inner.next_if(|p| p.as_rule() == Rule::word).map(|p| self.name(p));
        if let (Some(name), Some(sign)) = (&name, inner.next_if(|p| p.as_rule() == Rule::assign)) {
            self.check_sign(&sign, ':', name);
        }
        let value = self.expr(inner.next().expect("an argument has a value"), depth);
        let value = match inner.next() {
            Some(pair) => {
                let span = value.span.to(span);
                Expr { kind: ExprKind::Comprehension(Box::new(self.comprehension(value, pair, depth))), span }
            }
            None => value,
        };
        Arg { name, value }
    }

    fn comprehension(&self, value: Expr, pair: Pair<Rule>, depth: usize) -> Comprehension {
        let (mut loops, mut guard) = (Vec::new(), None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::k_for if !loops.is_empty() => {
                    let help = "write `for u in views, v in global`";
                    self.report(slip(self.span(&part), "a further loop follows a comma").help(help));
                }
                Rule::r#loop => loops.push(self.round(part, depth)),
                Rule::expr => guard = Some(self.expr(part, depth)),
                _ => {}
            }
        }
        Comprehension { value, loops, guard }
    }

    fn round(&self, pair: Pair<Rule>, depth: usize) -> Loop {
        let (mut names, mut over) = (Vec::new(), None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => names.push(self.name(part)),
                Rule::expr => over = Some(self.expr(part, depth)),
                _ => {}
            }
        }
        Loop { names, over: over.expect("a loop goes through something") }
    }
}
