//! What learns: parameters and states, the engine that computes steps on them, and the optimizer.

use super::error::{NotFinite, NotFiniteKind};
use super::{Clock, Descent, TrainError};
use crate::check::Recipe;
use crate::compile::{Program, Wishes};
use crate::data::{Batch, DataError};
use crate::exec::{self, Buffer, Engine, EngineKind, ExecError, Fault, Feed, Store};
use crate::graph::{Graph, InputKind, NodeId, ParamId};
use crate::kernels;
use crate::source::Span;

/// A recipe in training.
pub struct Learner {
    /// Parameters, states, and what the optimizer keeps.
    pub store: Store,
    /// The optimizer.
    pub descent: Descent,
    engine: Box<dyn Engine>,
    /// The norms of the last gradients.
    norms: Vec<f64>,
    graph: Graph,
    terms: Vec<(String, Span, NodeId)>,
    expectations: usize,
    parameters: u64,
    clock: Clock,
    seed: u64,
    kind: EngineKind,
    wishes: Wishes,
    size: Sizes,
}

/// The values one step has computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Losses {
    /// The whole loss.
    pub total: f64,
    /// Each term of it, in the order of the recipe.
    pub terms: Vec<f64>,
    /// Whether each expectation of the recipe holds.
    pub expectations: Vec<bool>,
}

impl Learner {
    /// A recipe before its first step, on a data set of whole batches.
    pub fn new(recipe: &Recipe, kind: EngineKind, clock: Clock) -> Result<Self, TrainError> {
        Self::of_samples(recipe, kind, clock, clock.per_epoch * recipe.train.batch)
    }

    /// A recipe before its first step, on a data set of so many samples.
    pub fn of_samples(recipe: &Recipe, kind: EngineKind, clock: Clock, samples: usize) -> Result<Self, TrainError> {
        let loss = recipe.loss.total.ok_or_else(|| ExecError::new("the recipe has no loss to train"))?;
        let nodes: Vec<NodeId> = recipe.loss.terms.iter().map(|t| t.node).chain([loss]).collect();
        let nodes: Vec<NodeId> = nodes.into_iter().chain(recipe.expectations.iter().map(|e| e.node)).collect();
        let mut program = Program::training(recipe.graph.clone(), &nodes, loss, &[], recipe.train.wishes)
            .map_err(|e| ExecError::new(format!("the loss cannot be differentiated: {}", e.message)))?;
        let descent = Descent::new(&recipe.train, &mut program)?;
        let count =
            |(id, _): &(ParamId, NodeId)| recipe.graph.params[id.index()].shape.iter().product::<usize>() as u64;
        let size = sizes(recipe.train.batch, samples);
        Ok(Self {
            store: Store::new(&program.graph, &size, recipe.train.seed)?,
            descent,
            norms: Vec::new(),
            engine: exec::engine(kind, &program, &size)?,
            graph: recipe.graph.clone(),
            terms: recipe.loss.terms.iter().map(|t| (t.name.clone(), t.span, t.node)).collect(),
            expectations: recipe.expectations.len(),
            parameters: program.grads.iter().map(count).sum(),
            clock,
            seed: recipe.train.seed,
            kind,
            wishes: recipe.train.wishes,
            size: Box::new(size),
        })
    }

    /// Trains on one batch; `step` counts from 0. Nothing is updated where the loss, a gradient or a state is not finite.
    pub fn step(&mut self, step: usize, batch: &Batch) -> Result<Losses, TrainError> {
        self.prepare(step)?;
        let (losses, fault) = self.losses_of(step, batch)?;
        if let Some(kind) = fault {
            return Err(self.explain(kind, step, batch)?.into());
        }
        self.update(step)?;
        Ok(losses)
    }

    /// The first part of a step: what parameters undergo before the forward pass.
    pub(super) fn prepare(&mut self, step: usize) -> Result<(), TrainError> {
        let feed = Feed { before: self.descent.before(step, self.clock), ..Feed::default() };
        Ok(self.engine.begin(&mut self.store, &feed)?)
    }

    /// The second: the loss and its gradients, what states become, and what of these is not finite.
    pub(super) fn losses_of(
        &mut self,
        step: usize,
        batch: &Batch,
    ) -> Result<(Losses, Option<NotFiniteKind>), TrainError> {
        let fault = self.compute(step, batch)?.map(|fault| match fault {
            Fault::Loss(loss) => NotFiniteKind::Loss(loss),
            Fault::Gradient(gradient) => NotFiniteKind::Gradient(self.descent.name(gradient).to_owned()),
            Fault::State(state) => NotFiniteKind::State(self.graph.states[state.index()].name.clone()),
        });
        Ok((self.losses(), fault))
    }

    /// The last: the states, the optimizer, and the averages that follow it.
    pub(super) fn update(&mut self, step: usize) -> Result<(), TrainError> {
        let feed = Feed { after: self.descent.after(step, self.clock), ..Feed::default() };
        match self.engine.advance(&mut self.store, &feed)? {
            None => Ok(()),
            Some(id) => {
                let name = self.graph.params[id.index()].name.clone();
                Err(self.not_finite(NotFiniteKind::Update(name), step).into())
            }
        }
    }

    /// The first parts of a step without asking whether anything is finite, and the last: for measurements.
    pub(super) fn run(&mut self, step: usize, batch: &Batch) -> Result<(), TrainError> {
        self.prepare(step)?;
        self.compute(step, batch)?;
        match self.update(step) {
            Err(TrainError::NotFinite(_)) => Ok(()),
            other => other,
        }
    }

    pub(super) fn compute(&mut self, step: usize, batch: &Batch) -> Result<Option<Fault>, TrainError> {
        let known = inputs_of(&self.graph, batch)?;
        let scalars = self.scalars(step);
        let feed = Feed { inputs: known.feed(), scalars, step: step as u64, seed: self.seed, ..Feed::default() };
        let outcome = self.engine.compute(&self.store, &feed)?;
        self.norms = outcome.norms;
        Ok(outcome.fault)
    }

    /// The values of the scheduled scalars at a step.
    pub fn scalars(&self, step: usize) -> Vec<f64> {
        let value = |s: &crate::graph::Scalar| s.schedule.at(step, self.clock.steps, self.clock.per_epoch);
        self.graph.scalars.iter().map(value).collect()
    }

    fn losses(&self) -> Losses {
        let value = |i: usize| self.engine.output(i).first().map_or(f64::NAN, |&v| f64::from(v));
        let terms = self.terms.len();
        Losses {
            total: value(terms),
            terms: (0..terms).map(value).collect(),
            expectations: (terms + 1..=terms + self.expectations).map(|i| value(i) != 0.0).collect(),
        }
    }

    /// Whether no parameter had a gradient in the step that was computed, and no schedule that is 0 explains it.
    pub(super) fn is_still(&self, step: usize) -> bool {
        !self.scalars(step).contains(&0.0) && self.norms.iter().all(|norm| *norm == 0.0)
    }

    /// Of which term it comes that something is not finite, and where in it.
    pub(super) fn explain(&mut self, kind: NotFiniteKind, step: usize, batch: &Batch) -> Result<NotFinite, TrainError> {
        let found = self.not_finite(kind, step);
        let known = inputs_of(&self.graph, batch)?;
        let scalars = self.scalars(step);
        let feed = Feed { inputs: known.feed(), scalars, step: step as u64, seed: self.seed, ..Feed::default() };
        // Each term by itself, as the sum of their gradients no longer tells them apart.
        for (name, span, node) in self.terms.clone() {
            let program = Program::training(self.graph.clone(), &[node], node, &[], self.wishes);
            let program = program.map_err(|e| ExecError::new(e.message))?;
            let mut alone: Box<dyn Engine> = exec::engine(self.kind, &program, &self.size)?;
            let outcome = alone.compute(&self.store, &feed)?;
            let value = alone.output(0).first().copied().unwrap_or(f32::NAN);
            if matches!(outcome.fault, None | Some(Fault::State(_))) && value.is_finite() {
                continue;
            }
            let mut kind = found.kind;
            if matches!(kind, NotFiniteKind::Loss(_)) && !value.is_finite() {
                kind = NotFiniteKind::Loss(f64::from(value));
            }
            let culprit = alone.not_finite(&self.store, &feed)?;
            return Ok(NotFinite { kind, term: Some(name), span: Some(span), culprit, ..found });
        }
        let culprit = self.engine.not_finite(&self.store, &feed)?;
        Ok(NotFinite { culprit, ..found })
    }

    fn not_finite(&self, kind: NotFiniteKind, step: usize) -> NotFinite {
        let epoch = self.clock.epochs(step + 1);
        NotFinite { kind, term: None, span: None, culprit: None, step: step + 1, epoch }
    }

    /// The names of the loss terms.
    pub fn terms(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().map(|(name, ..)| name.as_str())
    }

    /// How many numbers are trained.
    pub fn parameters(&self) -> u64 {
        self.parameters
    }

    /// Whether all parameters and states are finite.
    pub fn is_finite(&self) -> bool {
        self.variables().all(|buffer| kernels::finite(buffer.values))
    }

    /// The parameters and states of the recipe: not what optimizers keep.
    pub fn variables(&self) -> impl Iterator<Item = Buffer<'_, f32>> {
        self.store.iter().take(self.graph.params.len() + self.graph.states.len())
    }

    /// The bytes of a checkpoint, but for its few words.
    pub fn bytes(&self) -> u64 {
        self.store.iter().map(|buffer| size_of_val(buffer.values) as u64).sum()
    }

    /// The engine, to measure where its time goes.
    pub fn engine(&mut self) -> &mut dyn Engine {
        &mut *self.engine
    }
}

/// What gives the sizes of symbols.
type Sizes = Box<dyn Fn(&str) -> Option<i64>>;

/// The sizes of the symbols: `N` of a batch, `samples` of the training split.
pub fn sizes(batch: usize, samples: usize) -> impl Fn(&str) -> Option<i64> + use<> {
    move |symbol| match symbol {
        "N" => Some(batch as i64),
        "samples" => Some(samples as i64),
        _ => None,
    }
}

/// What a graph reads of a batch.
pub struct Known<'a> {
    graph: &'a Graph,
    batch: &'a Batch,
    labels: Vec<f32>,
    index: Vec<f32>,
}

/// What a graph reads of a batch; an error where it reads the label of a sample that has none.
pub fn inputs_of<'a>(graph: &'a Graph, batch: &'a Batch) -> Result<Known<'a>, TrainError> {
    let mut labels = Vec::new();
    if graph.inputs.iter().any(|input| input.kind == InputKind::Label) {
        for (label, sample) in batch.labels.iter().zip(&batch.index) {
            let label = label.ok_or_else(|| {
                DataError::new("has no label, but the recipe reads `batch.label`")
                    .at_row(*sample)
                    .help("train on labelled samples, or on something else than labels")
            })?;
            labels.push(label as f32);
        }
    }
    Ok(Known { graph, batch, labels, index: batch.index.iter().map(|&i| i as f32).collect() })
}

impl Known<'_> {
    /// The inputs by name.
    pub fn feed(&self) -> Vec<(&str, &[f32])> {
        let inputs = self.graph.inputs.iter().filter_map(|input| {
            let values = match input.kind {
                InputKind::View(view) => self.batch.views.get(view)?.as_slice(),
                InputKind::Mask(view, part) => self.batch.masks.get(view)?.part(part)?,
                InputKind::Label => &self.labels,
                InputKind::Index | InputKind::Rows => &self.index,
                InputKind::Column { place, .. } => self.batch.columns.get(place)?.as_slice(),
                InputKind::Given | InputKind::Table(_) => return None,
            };
            Some((input.name.as_str(), values))
        });
        inputs.collect()
    }
}
