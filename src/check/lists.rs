//! Lists: comprehensions, and the functions that make lists of lists.

use super::arithmetic::as_dim;
use super::checker::{Checked, Checker};
use super::scope::Env;
use super::value::Value;
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::diag::Code;
use crate::graph::Dim;
use crate::source::Span;
use crate::syntax::ast::{Arg, BinaryOp, Comprehension, Expr, ExprKind, Loop};

/// A function of lists, worked out before training.
pub(super) struct ListFunction {
    /// Its signature and documentation.
    pub entry: Entry,
    /// How many items it makes of so many, and how many values these are, the second being the values of what it is given.
    makes: fn(usize, usize) -> (usize, usize),
    apply: fn(Vec<Vec<Value>>) -> Option<Vec<Value>>,
}

impl std::fmt::Debug for ListFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.entry.name)
    }
}

/// Every function of lists.
pub(super) static LIST_FUNCTIONS: &[ListFunction] = &[
    ListFunction {
        entry: Entry {
            name: "pairs",
            kind: Kind::Operation,
            params: &[Param::variadic("of", ParamType::Tensor, "views or a group of views")],
            formula: "(u, v) for u in of, v in of if u != v",
            doc: "Every ordered pair of two different items.",
        },
        makes: |items, values| {
            let pairs = items.saturating_mul(items.saturating_sub(1));
            (pairs, pairs.saturating_add(values.saturating_mul(2 * items)))
        },
        apply: |lists| {
            let items = lists.concat();
            let pair = |i: usize, j: usize| Value::List(vec![items[i].clone(), items[j].clone()]);
            let count = items.len();
            Some(
                (0..count)
                    .flat_map(|i| (0..count).filter(move |&j| j != i).map(move |j| (i, j)))
                    .map(|(i, j)| pair(i, j))
                    .collect(),
            )
        },
    },
    ListFunction {
        entry: Entry {
            name: "join",
            kind: Kind::Operation,
            params: &[Param::variadic("of", ParamType::Tensor, "lists, groups of views, or single items")],
            formula: "a[0], a[1], .., b[0], b[1], ..",
            doc: "The items of several lists one behind the other, as one list.",
        },
        makes: |items, values| (items, values),
        apply: |lists| Some(lists.concat()),
    },
    ListFunction {
        entry: Entry {
            name: "zip",
            kind: Kind::Operation,
            params: &[Param::variadic("of", ParamType::Tensor, "groups of equal length")],
            formula: "(a[0], b[0]), (a[1], b[1]), ...",
            doc: "The items of several groups side by side.",
        },
        makes: |items, values| (items, items + values),
        apply: |lists| {
            let count = lists.first()?.len();
            let same = lists.iter().all(|l| l.len() == count);
            same.then(|| (0..count).map(|i| Value::List(lists.iter().map(|l| l[i].clone()).collect())).collect())
        },
    },
];

impl Checker<'_> {
    pub(super) fn call_list_function(
        &mut self,
        function: &'static ListFunction,
        args: &[Arg],
        span: Span,
        env: &Env,
    ) -> Checked<Value> {
        let (mut lists, mut values) = (Vec::new(), 0);
        for arg in args {
            let given = self.eval(&arg.value, env)?;
            let weight = given.weight();
            self.made(weight, arg.value.span)?;
            values += weight;
            lists.push(match given {
                Value::List(items) => items,
                other => vec![other],
            });
        }
        let (items, values) = (function.makes)(lists.iter().map(Vec::len).sum(), values);
        self.bounded(items, span)?;
        self.made(values, span)?;
        match (function.apply)(lists) {
            Some(items) => Ok(Value::List(items)),
            None => {
                self.error(Code::INVALID_VALUE, span, format!("`{}` needs groups of equal length", function.entry.name))
            }
        }
    }

    /// `[a, b]`
    pub(super) fn list(&mut self, items: &[Expr], span: Span, env: &Env) -> Checked<Value> {
        self.bounded(items.len(), span)?;
        let mut values = Vec::new();
        for item in items {
            let value = self.eval(item, env)?;
            self.made(value.weight(), item.span)?;
            values.push(value);
        }
        Ok(Value::List(values))
    }

    /// The values of all rounds of a comprehension.
    pub(super) fn comprehension(&mut self, comprehension: &Comprehension, env: &Env) -> Checked<Value> {
        let mut values = Vec::new();
        self.rounds(comprehension, &comprehension.loops, env, &mut values)?;
        Ok(Value::List(values))
    }

    fn rounds(
        &mut self,
        comprehension: &Comprehension,
        loops: &[Loop],
        env: &Env,
        out: &mut Vec<Value>,
    ) -> Checked<()> {
        let Some((first, rest)) = loops.split_first() else {
            if let Some(guard) = &comprehension.guard
                && !self.truth(guard, env)?
            {
                return Ok(());
            }
            let value = self.eval(&comprehension.value, env)?;
            self.made(value.weight(), comprehension.value.span)?;
            out.push(value);
            return self.bounded(out.len(), comprehension.value.span);
        };
        for item in self.items(&first.over, env)? {
            let inner = self.bind_round(first, item, env)?;
            self.rounds(comprehension, rest, &inner, out)?;
        }
        Ok(())
    }

    fn bind_round(&mut self, names: &Loop, item: Value, env: &Env) -> Checked<Env> {
        if let [name] = names.names.as_slice() {
            return Ok(env.bind(&name.text, item));
        }
        match item {
            Value::List(parts) if parts.len() == names.names.len() => {
                Ok(names.names.iter().zip(parts).fold(env.clone(), |env, (name, part)| env.bind(&name.text, part)))
            }
            _ => {
                let message =
                    format!("each round binds {} names, but the items are not of that many parts", names.names.len());
                self.error(Code::WRONG_TYPE, names.over.span, message)
            }
        }
    }

    /// What a loop goes through: a list, a group of views, or the whole numbers of a range, its end left out.
    fn items(&mut self, over: &Expr, env: &Env) -> Checked<Vec<Value>> {
        match self.eval(over, env)? {
            Value::List(items) => Ok(items),
            Value::Range(a, b) if a.fract() == 0.0 && b.fract() == 0.0 => {
                self.bounded((b - a).max(0.0) as usize, over.span)?;
                Ok((a as i64..b as i64).map(|i| Value::Number(i as f64)).collect())
            }
            view @ Value::View(_) => Ok(vec![view]),
            other => {
                let message = format!("expected a list or a group of views to go through, found {}", other.kind());
                self.error(Code::WRONG_TYPE, over.span, message)
            }
        }
    }

    /// `base[i]`, `base[a..b]`: an item or a part of a list, or a slice of a tensor's leading dimensions.
    pub(super) fn index(&mut self, base: &Expr, indices: &[Expr], span: Span, env: &Env) -> Checked<Value> {
        let value = self.eval(base, env)?;
        if let (Value::List(items), [index]) = (&value, indices) {
            if let Some(part) = self.part_of_list(items, index, env)? {
                return Ok(Value::List(part));
            }
            let i = self.number(index, env)?;
            let at = if i < 0.0 { i + items.len() as f64 } else { i };
            return match items.get(at as usize).filter(|_| at >= 0.0 && at.fract() == 0.0) {
                Some(item) => Ok(item.clone()),
                None => self.error(
                    Code::INVALID_VALUE,
                    index.span,
                    format!("there is no item {i}: the list has {}", items.len()),
                ),
            };
        }
        let mut node = self.tensor(&value, base.span)?;
        let mut axis = 0;
        for index in indices {
            let size = self.graph.shape(node).0.get(axis).cloned().unwrap_or_default();
            let (from, len, keep) = self.slice_bounds(index, &size, env)?;
            node = self.built(span, |g| g.slice(node, axis, &from, &len))?;
            if keep {
                axis += 1;
            } else {
                let mut dims = self.graph.shape(node).0.clone();
                dims.remove(axis);
                node = self.built(span, |g| g.reshape(node, &dims))?;
            }
        }
        Ok(Value::Tensor(node))
    }

    /// The items of a list that a range names, its end left out; `None` for a single index.
    fn part_of_list(&mut self, items: &[Value], index: &Expr, env: &Env) -> Checked<Option<Vec<Value>>> {
        let ExprKind::Binary(BinaryOp::Range, from, to) = &index.kind else { return Ok(None) };
        let ends = [self.number(from, env)?, self.number(to, env)?];
        let [from, to] = ends.map(|end| if end < 0.0 { end + items.len() as f64 } else { end });
        if from.fract() == 0.0 && to.fract() == 0.0 && 0.0 <= from && from < to && to <= items.len() as f64 {
            return Ok(Some(items[from as usize..to as usize].to_vec()));
        }
        let message = format!("there are no items {}..{}: the list has {}", ends[0], ends[1], items.len());
        self.error(Code::INVALID_VALUE, index.span, message)
    }

    /// Start, length, and whether the dimension stays: a range keeps it, a number does not. Negative numbers count from its end.
    fn slice_bounds(&mut self, index: &Expr, size: &Dim, env: &Env) -> Checked<(Dim, Dim, bool)> {
        let place = |value: &Value| {
            let at = as_dim(value)?;
            Some(if at.constant().is_some_and(|n| n < 0) { size + &at } else { at })
        };
        if let ExprKind::Binary(BinaryOp::Range, from, to) = &index.kind {
            let (a, b) = (self.eval(from, env)?, self.eval(to, env)?);
            if let (Some(a), Some(b)) = (place(&a), place(&b)) {
                return Ok((a.clone(), &b - &a, true));
            }
        } else if let Some(at) = place(&self.eval(index, env)?) {
            return Ok((at, Dim::from(1i64), false));
        }
        self.error(Code::WRONG_TYPE, index.span, "an index is a whole number or a range such as `0..2`")
    }
}
