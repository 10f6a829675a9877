//! States with a row for every sample of the data set: written batch by batch, or recomputed over the whole set now and then.

use super::checker::{Checked, Checker};
use super::state::averaged;
use super::value::Value;
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::diag::{Code, Diagnostic};
use crate::graph::{Dim, Init, InputKind, NodeId, Refresh, Shape, ShapeError, State, TensorType, Times};
use crate::source::Span;
use crate::syntax::ast::Name;
use std::collections::BTreeSet;

/// `per_sample(of: x)`
pub(super) static PER_SAMPLE: Entry = Entry {
    name: "per_sample",
    kind: Kind::State,
    params: &[
        Param::required("of", ParamType::Tensor, "`[N, ..]`: what is written to the rows of the batch's samples"),
        Param::optional(
            "decay",
            ParamType::Scalar { min: 0.0, max: 1.0 },
            "0",
            "how much of a sample's old row stays when it is written",
        ),
        Param::optional(
            "init",
            ParamType::Choice(&["sphere", "zeros", "normal"]),
            "sphere",
            "what a row holds at first: a random unit vector, zeros or normal numbers",
        ),
    ],
    formula: "table [samples, ..], read as [N, ..]; row i <- decay * row i + (1 - decay) * of",
    doc: "A row for every sample of the data set. Read, it gives the rows of the batch at hand as they stood before this \
          step, `.all` the whole table (Wu et al. 2018).",
};

/// `refresh(of: x, every: 1)`
pub(super) static REFRESH: Entry = Entry {
    name: "refresh",
    kind: Kind::State,
    params: &[
        Param::required("of", ParamType::Tensor, "what is computed anew, from `over_data(...)`, weights and states"),
        Param::optional(
            "every",
            ParamType::Number { min: 1e-6, max: 1e9 },
            "1",
            "how many epochs lie between two times, from the start of training on",
        ),
        Param::optional(
            "at",
            ParamType::Numbers,
            "none",
            "the epochs instead, in a list; the start of training is always among them",
        ),
        Param::optional(
            "times",
            ParamType::Int { min: 1, max: 1 << 20 },
            "none",
            "how often in all instead, ever more rarely: at (i / times)^2 of the training, for i from 0",
        ),
    ],
    formula: "s <- of, now and then; [samples, ..] is read as [N, ..]",
    doc: "A tensor that is recomputed now and then. One with a row for every sample gives the rows of the batch at hand, \
          `.all` the whole table; any other is read as it is (Asano et al. 2020, Caron et al. 2018).",
};

impl Checker<'_> {
    /// `per_sample(of: node, ...)`
    pub(super) fn per_sample(&mut self, name: &Name, node: NodeId, config: &Config, span: Span) -> Checked<Value> {
        let shape = self.graph.shape(node).clone();
        if shape.0.first() != Some(&Dim::batch()) {
            let message = format!("`per_sample` keeps a row for every sample, but `of` is {shape}, not [N, ..]");
            return self.error(Code::SHAPE_MISMATCH, span, message);
        }
        let whole = Shape(std::iter::once(Dim::samples()).chain(shape.0[1..].iter().cloned()).collect());
        let init = super::state::init(config.text("init"));
        let state = State { name: name.text.clone(), shape: whole, init, span: Some(span) };
        let decay = config.schedule("decay");
        let (rows, table) = self.built(span, |g| {
            let (id, table) = g.state(state);
            let rows = g.rows_of_batch(table)?;
            let entering = if decay.fixed() == Some(0.0) { node } else { averaged(g, rows, node, decay)? };
            let next = g.with_rows_of_batch(table, entering)?;
            g.update(id, next);
            Ok((rows, table))
        })?;
        Ok(Value::Tapped(rows, vec![("all".to_owned(), table)]))
    }

    /// `refresh(of: node, ...)`
    pub(super) fn refresh(&mut self, name: &Name, node: NodeId, config: &Config, span: Span) -> Checked<Value> {
        let shape = self.graph.shape(node).clone();
        self.needs_no_batch(node, span)?;
        let times = match (config.maybe_number("times"), config.numbers("at")) {
            (Some(_), at) if !at.is_empty() => {
                return self.error(Code::INVALID_VALUE, span, "a refresh has either `at` or `times`, not both");
            }
            (Some(times), _) => Times::Rarer(times as usize),
            (None, at) if at.is_empty() => Times::Every(config.number("every")),
            (None, at) => Times::At(at),
        };
        let per_sample = shape.0.first() == Some(&Dim::samples());
        let state = State { name: name.text.clone(), shape, init: Init::Constant(0.0), span: Some(span) };
        let (state, table) = self.graph.at(Some(span), |g| g.state(state));
        self.graph.refreshes.retain(|r| r.state != state);
        self.graph.refreshes.push(Refresh { state, value: node, times });
        if !per_sample {
            return Ok(Value::Tensor(table));
        }
        let rows = self.built(span, |g| g.rows_of_batch(table))?;
        Ok(Value::Tapped(rows, vec![("all".to_owned(), table)]))
    }

    /// What is refreshed sees the whole data set, so no batch may enter but through `over_data`.
    fn needs_no_batch(&mut self, node: NodeId, span: Span) -> Checked<()> {
        let inputs = self.inputs_of(&[node]);
        let Some(input) = inputs.into_iter().find(|&i| !matches!(self.graph.inputs[i].kind, InputKind::Table(_)))
        else {
            return Ok(());
        };
        let message = format!(
            "what is refreshed depends on a single batch, through `{}`",
            self.graph.inputs[input].name.trim_start_matches("view:")
        );
        let help = "wrap what depends on the samples in `over_data(...)`, which gathers it over the whole data set";
        Err(self.report(Diagnostic::error(Code::WRONG_TYPE, span, message).help(help)))
    }

    /// Reports `over_data` outside of what is refreshed.
    pub(super) fn tables_are_refreshed(&mut self, wanted: &[NodeId]) {
        let updates = self.graph.updates.iter().map(|u| u.value);
        let nodes: Vec<NodeId> = wanted.iter().copied().chain(updates).collect();
        let known = |i: &usize| matches!(self.graph.inputs[*i].kind, InputKind::Table(_));
        let Some(input) = self.inputs_of(&nodes).into_iter().find(known) else { return };
        let read = |(_, n): &(NodeId, &crate::graph::Node)| n.input().is_some_and(|id| id.index() == input);
        let span = self.graph.nodes().find(read).and_then(|(_, n)| n.span).or(self.definitions.span);
        if let Some(span) = span {
            let message = "a step sees one batch: nothing over the whole data set is known in it";
            let help =
                "keep it in a state, as in `state label = refresh(of: argmax(over_data(...), dim: 1), every: 1)`";
            self.report(Diagnostic::error(Code::UNSUPPORTED, span, message).help(help));
        }
    }

    /// The inputs that some nodes are computed from, in order.
    fn inputs_of(&self, nodes: &[NodeId]) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut open = nodes.to_vec();
        let mut inputs = BTreeSet::new();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                let node = self.graph.node(id);
                open.extend(&node.inputs);
                inputs.extend(node.input().map(|id| id.index()));
            }
        }
        inputs
    }
}

impl crate::graph::Graph {
    /// The places of the batch's samples in tables of the whole data set.
    fn rows(&mut self) -> NodeId {
        self.input("batch.rows", TensorType::int(Shape(vec![Dim::batch()])), InputKind::Rows)
    }

    /// The rows of a table that belong to the samples of the batch.
    fn rows_of_batch(&mut self, table: NodeId) -> Result<NodeId, ShapeError> {
        let rows = self.rows();
        self.index_select(table, rows, 0)
    }

    /// The table with the rows of the batch's samples replaced.
    fn with_rows_of_batch(&mut self, table: NodeId, rows: NodeId) -> Result<NodeId, ShapeError> {
        let places = self.rows();
        let (shape, one) = (self.shape(rows).clone(), self.constant(1.0));
        let line: Vec<Dim> =
            (0..shape.rank()).map(|i| if i == 0 { shape.0[0].clone() } else { Dim::from(1i64) }).collect();
        let column = self.reshape(places, &line)?;
        let index = self.broadcast_to(column, &shape.0)?;
        let moved = self.scatter_add(index, rows, 0, &Dim::samples())?;
        let ones = self.broadcast_to(one, &line)?;
        let hit = self.scatter_add(column, ones, 0, &Dim::samples())?;
        self.select(hit, moved, table)
    }
}
