//! What a recipe brings besides branches: states that live between steps, trained weights, and given inputs.

use super::arithmetic::as_dim;
use super::checker::{Checked, Checker};
use super::definitions::WeightItem;
use super::scope::{Env, Home};
use super::value::Value;
use super::{tables, vocabulary};
use crate::catalog::{Config, Entry, Kind, Param, ParamType, Schedule};
use crate::diag::{Code, Diagnostic, suggest};
use crate::graph::{Dim, Graph, Init, InputKind, NodeId, ParamKind, Parameter, Shape, ShapeError, State, TensorType};
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Name};

/// What can live between steps.
pub(super) static STATES: &[&Entry] = &[&QUEUE, &AVERAGE, &tables::PER_SAMPLE, &tables::REFRESH];

const UPDATE: Param = Param::optional(
    "update",
    ParamType::Choice(&["after", "before"]),
    "after",
    "whether it takes in this step's value after it is read, or before",
);

static QUEUE: Entry = Entry {
    name: "queue",
    kind: Kind::State,
    params: &[
        Param::required("of", ParamType::Tensor, "the rows that enter at each step"),
        Param::required("size", ParamType::Int { min: 1, max: 1 << 24 }, "how many rows it holds"),
        Param::optional(
            "init",
            ParamType::Choice(&["sphere", "zeros", "normal"]),
            "sphere",
            "what it holds at first: random unit rows, zeros or normal numbers",
        ),
        UPDATE,
    ],
    formula: "[N, D] -> [size, D]",
    doc: "The latest rows, first in first out (He et al. 2020). `.full` is 1 once nothing of its first value is left in it, \
          else 0.",
};

static AVERAGE: Entry = Entry {
    name: "ema",
    kind: Kind::State,
    params: &[
        Param::required("of", ParamType::Tensor, "the value that is averaged"),
        Param::optional("decay", ParamType::Scalar { min: 0.0, max: 1.0 }, "0.9", "how much of the old value stays"),
        UPDATE,
    ],
    formula: "s <- decay * s + (1 - decay) * of, from zeros",
    doc: "A running average of a tensor.",
};

/// How a state's rows start.
pub(super) fn init(word: &str) -> Init {
    match word {
        "zeros" => Init::Constant(0.0),
        "normal" => Init::Normal(1.0),
        _ => Init::Sphere,
    }
}

/// `decay * old + (1 - decay) * new`
pub(super) fn averaged(g: &mut Graph, old: NodeId, new: NodeId, decay: Schedule) -> Result<NodeId, ShapeError> {
    let decay = match decay.fixed() {
        Some(decay) => g.constant(decay),
        None => g.scheduled(decay),
    };
    let one = g.constant(1.0);
    let rest = g.sub(one, decay)?;
    let (old, new) = (g.mul(old, decay)?, g.mul(new, rest)?);
    g.add(old, new)
}

impl Checker<'_> {
    /// `state NAME = ...`
    pub(super) fn define_state(&mut self, name: &Name, value: &Expr) -> Checked<Value> {
        let env = Env::new(Home::Recipe);
        let (entry, args) = match &value.kind {
            ExprKind::Call(callee, args) => match &callee.kind {
                ExprKind::Name(word) => (vocabulary::word(word, Kind::State), args),
                _ => (None, args),
            },
            _ => return self.no_state(value),
        };
        let Some(entry) = entry else { return self.no_state(value) };
        let slots = self.slots(entry, args, value.span)?;
        let of = slots.iter().find(|s| s.param.name == "of").and_then(|s| s.given.first().copied());
        let Some(of) = of else { return self.no_state(value) };
        let kept = self.eval(of, &env)?;
        let node = self.tensor(&kept, of.span)?;
        if *entry != tables::REFRESH {
            self.needs_no_gradient(node, of.span)?;
        }
        let config = self.configure_slots(entry, &slots, value.span, &env)?;
        if config.is(&QUEUE) {
            self.queue(name, node, &config, value.span)
        } else if config.is(&tables::PER_SAMPLE) {
            self.per_sample(name, node, &config, value.span)
        } else if config.is(&tables::REFRESH) {
            self.refresh(name, node, &config, value.span)
        } else {
            self.average(name, node, &config, value.span)
        }
    }

    fn queue(&mut self, name: &Name, node: NodeId, config: &Config, span: Span) -> Checked<Value> {
        let (shape, size) = (self.graph.shape(node).clone(), config.int("size"));
        let (Some(rows), Some(rest)) = (shape.0.first().cloned(), shape.0.get(1..)) else {
            return self.error(Code::SHAPE_MISMATCH, span, format!("a queue holds rows, but `of` is {shape}"));
        };
        let entering = rows.eval(&|s| (s == "N").then_some(self.batch.unwrap_or(1) as i64));
        if entering.is_some_and(|n| n > size as i64) {
            let message =
                format!("a queue of {size} rows cannot take the {} rows of a step", entering.unwrap_or_default());
            return self.error(Code::INVALID_VALUE, span, message);
        }
        let init = init(config.text("init"));
        let whole = Shape(std::iter::once(Dim::from(size)).chain(rest.iter().cloned()).collect());
        let state = State { name: name.text.clone(), shape: whole, init, span: Some(span) };
        let keep = &Dim::from(size) - &rows;
        let (read, next) = self.built(span, |g| {
            let (id, read) = g.state(state);
            let kept = g.slice(read, 0, &rows, &keep)?;
            let next = g.concat(&[kept, node], 0)?;
            g.update(id, next);
            Ok((read, next))
        })?;
        let before = config.text("update") == "before";
        let full = self.filled(name, &rows, size, before, span)?;
        Ok(Value::Tapped(if before { next } else { read }, vec![("full".to_owned(), full)]))
    }

    /// Whether so many rows have entered a queue as it holds: a count beside it, as a truth value.
    fn filled(&mut self, name: &Name, rows: &Dim, size: usize, before: bool, span: Span) -> Checked<NodeId> {
        let (name, init) = (format!("{}.entered", name.text), Init::Constant(0.0));
        self.built(span, |g| {
            let (id, read) = g.state(State { name, shape: Shape::scalar(), init, span: Some(span) });
            let (entering, most) = (g.dimension(rows), g.constant(size as f64));
            let sum = g.add(read, entering)?;
            let next = g.minimum(sum, most)?;
            g.update(id, next);
            g.less_equal(most, if before { next } else { read })
        })
    }

    fn average(&mut self, name: &Name, node: NodeId, config: &Config, span: Span) -> Checked<Value> {
        let shape = self.graph.shape(node).clone();
        let state = State { name: name.text.clone(), shape, init: Init::Constant(0.0), span: Some(span) };
        let (read, next) = self.built(span, |g| {
            let (id, read) = g.state(state);
            let next = averaged(g, read, node, config.schedule("decay"))?;
            g.update(id, next);
            Ok((read, next))
        })?;
        Ok(Value::Tensor(if config.text("update") == "before" { next } else { read }))
    }

    /// A state keeps values, not the graph that made them.
    fn needs_no_gradient(&mut self, node: NodeId, span: Span) -> Checked<()> {
        let mut reached = crate::compile::reaches(&self.graph, node).into_iter();
        if reached.all(|id| self.graph.params[id.index()].ema.is_some()) {
            return Ok(());
        }
        let message =
            "this state keeps a value that depends on trained weights; no gradient can flow through a later step";
        Err(self.report(
            Diagnostic::error(Code::STATE_NEEDS_GRADIENT, span, message)
                .help("write `stopgrad(...)` around it, or take it from an `ema` branch"),
        ))
    }

    fn no_state(&mut self, value: &Expr) -> Checked<Value> {
        let message = "a state is a queue, a running average, or a table over the data set";
        let word = if let ExprKind::Call(callee, _) = &value.kind { super::typed::path(callee) } else { None };
        let near = word.and_then(|w| suggest(&w, STATES.iter().map(|e| e.name)));
        let help = near.unwrap_or_else(|| "as in `queue(of: k, size: 4096)` or `ema(of: x, decay: 0.9)`".to_owned());
        Err(self.report(Diagnostic::error(Code::WRONG_TYPE, value.span, message).help(help)))
    }

    /// `weight NAME: [K, D] = start`
    pub(super) fn define_weight(&mut self, weight: &WeightItem) -> Checked<Value> {
        let env = Env::new(Home::Recipe);
        let mut shape = Vec::new();
        for size in weight.shape.iter().flatten() {
            let value = self.eval(size, &env)?;
            match as_dim(&value).and_then(|d| d.constant()).and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0) {
                Some(n) => shape.push(n),
                None => return self.error(Code::WRONG_TYPE, size.span, "the sizes of a weight are whole numbers"),
            }
        }
        let init = match &weight.value {
            Some(value) => Init::Constant(self.number(value, &env)?),
            None => Init::Normal(shape.last().map_or(1.0, |&d| 1.0 / (d as f64).sqrt())),
        };
        let parameter = Parameter {
            name: self.branches.shared_name(&weight.name.text),
            shape,
            init,
            kind: ParamKind::Free,
            ema: None,
            unit_rows: false,
            span: Some(weight.name.span),
        };
        Ok(Value::Tensor(self.graph.at(Some(weight.name.span), |g| g.parameter(parameter))))
    }

    /// `input NAME: [N, 128]`
    pub(super) fn define_input(&mut self, name: &Name, shape: &[Expr]) -> Checked<Value> {
        let mut dims = Vec::new();
        for size in shape {
            dims.push(match &size.kind {
                ExprKind::Name(symbol) if !self.definitions.params.iter().any(|p| p.0.text == *symbol) => {
                    Dim::symbol(symbol)
                }
                _ => {
                    let value = self.eval(size, &Env::new(Home::Recipe))?;
                    match as_dim(&value) {
                        Some(dim) => dim,
                        None => {
                            return self.error(
                                Code::WRONG_TYPE,
                                size.span,
                                "a size is a whole number or a name such as `N`",
                            );
                        }
                    }
                }
            });
        }
        let ty = TensorType::float(Shape(dims));
        Ok(Value::Tensor(self.graph.at(Some(name.span), |g| g.input(&name.text, ty, InputKind::Given))))
    }
}
