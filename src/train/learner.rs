//! What learns: parameters and states, the engine that computes steps on them, and the optimizer.

use super::error::NotFinite;
use super::{Averages, Clock, Descent, TrainError, restore_unit_rows};
use crate::check::Recipe;
use crate::compile::Program;
use crate::data::Batch;
use crate::exec::{self, Engine, EngineKind, ExecError, Feed, Memory};
use crate::graph::{Graph, InputKind, NodeId, ParamId};
use crate::source::Span;

/// A recipe in training.
pub struct Learner {
    /// Parameters and states.
    pub memory: Memory,
    /// The optimizer.
    pub descent: Descent,
    engine: Box<dyn Engine>,
    averages: Averages,
    graph: Graph,
    terms: Vec<(String, Span)>,
    expectations: usize,
    parameters: u64,
    clock: Clock,
    seed: u64,
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
        let program = Program::training(recipe.graph.clone(), &nodes, loss, &[])
            .map_err(|e| ExecError::new(format!("the loss cannot be differentiated: {}", e.message)))?;
        let trained: Vec<ParamId> = program.grads.iter().map(|(id, _)| *id).collect();
        let count = |id: &ParamId| recipe.graph.params[id.index()].shape.iter().product::<usize>() as u64;
        let size = sizes(recipe.train.batch, samples);
        let memory = Memory::new(&recipe.graph, &size, recipe.train.seed)?;
        Ok(Self {
            descent: Descent::new(&recipe.train, &recipe.graph, &trained)?,
            averages: Averages::new(&recipe.graph),
            engine: exec::engine(kind, &program, &size)?,
            memory,
            graph: recipe.graph.clone(),
            terms: recipe.loss.terms.iter().map(|t| (t.name.clone(), t.span)).collect(),
            expectations: recipe.expectations.len(),
            parameters: trained.iter().map(count).sum(),
            clock,
            seed: recipe.train.seed,
        })
    }

    /// Trains on one batch; `step` counts from 0. Nothing is updated where the loss is not finite.
    pub fn step(&mut self, step: usize, batch: &Batch) -> Result<Losses, TrainError> {
        self.prepare(step);
        let losses = self.losses_of(step, batch)?;
        self.update(step);
        Ok(losses)
    }

    /// The first part of a step: what parameters undergo before the forward pass.
    pub(super) fn prepare(&mut self, step: usize) {
        self.averages.apply(&mut self.memory, true, step, self.clock);
        restore_unit_rows(&self.graph, &mut self.memory);
    }

    /// The second: the loss and its gradients.
    pub(super) fn losses_of(&mut self, step: usize, batch: &Batch) -> Result<Losses, TrainError> {
        self.compute(step, batch)?;
        let losses = self.losses();
        self.check_finite(step, &losses)?;
        Ok(losses)
    }

    /// The last: the optimizer, and the averages that follow it.
    pub(super) fn update(&mut self, step: usize) {
        self.descent.apply(&*self.engine, &mut self.memory, step, self.clock);
        self.averages.apply(&mut self.memory, false, step, self.clock);
    }

    fn compute(&mut self, step: usize, batch: &Batch) -> Result<(), TrainError> {
        let known = inputs_of(&self.graph, batch);
        let scalars = self.scalars(step);
        let feed = Feed { inputs: known.feed(), scalars, step: step as u64, seed: self.seed };
        Ok(self.engine.run(&mut self.memory, &feed)?)
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

    fn check_finite(&self, step: usize, losses: &Losses) -> Result<(), TrainError> {
        if losses.total.is_finite() {
            return Ok(());
        }
        let guilty = losses.terms.iter().position(|t| !t.is_finite());
        Err(TrainError::NotFinite(NotFinite {
            term: guilty.map(|i| self.terms[i].0.clone()),
            value: guilty.map_or(losses.total, |i| losses.terms[i]),
            span: guilty.map(|i| self.terms[i].1),
            step: step + 1,
            epoch: self.clock.epochs(step + 1),
        }))
    }

    /// The names of the loss terms.
    pub fn terms(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().map(|(name, _)| name.as_str())
    }

    /// How many numbers are trained.
    pub fn parameters(&self) -> u64 {
        self.parameters
    }

    /// The engine, to measure where its time goes.
    pub fn engine(&mut self) -> &mut dyn Engine {
        &mut *self.engine
    }
}

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

/// What a graph reads of a batch.
pub fn inputs_of<'a>(graph: &'a Graph, batch: &'a Batch) -> Known<'a> {
    let labels = batch.labels.iter().map(|&l| l as f32).collect();
    Known { graph, batch, labels, index: batch.index.iter().map(|&i| i as f32).collect() }
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
                InputKind::Given | InputKind::Table(_) => return None,
            };
            Some((input.name.as_str(), values))
        });
        inputs.collect()
    }
}
