//! What is recomputed over the whole data set now and then: one pass that gathers rows, then a computation on the table.

use std::collections::BTreeMap;
use std::time::Instant;

use super::{Clock, Control, Event, Learner, TrainError, learner::inputs_of};
use crate::check::Recipe;
use crate::compile::{Program, Wishes};
use crate::data::Loader;
use crate::exec::{self, EngineKind, ExecError, Feed, Phase};
use crate::graph::{Graph, InputKind, NodeId, Refresh, Times};

/// The refreshes of a recipe.
pub struct Refresher {
    graph: Graph,
    kind: EngineKind,
    wishes: Wishes,
    batch: usize,
    seed: u64,
}

/// Rows gathered over the whole data set, by the name of the input that takes them.
type Tables = BTreeMap<String, Vec<f32>>;

impl Refresher {
    /// The refreshes of a recipe; `None` where it has none.
    pub fn new(recipe: &Recipe, kind: EngineKind) -> Option<Self> {
        let (graph, train) = (&recipe.graph, &recipe.train);
        let (wishes, batch, seed) = (train.wishes, train.batch, train.seed);
        (!graph.refreshes.is_empty()).then(|| Self { graph: graph.clone(), kind, wishes, batch, seed })
    }

    /// Recomputes what is due before the step of that number, in the order of declaration. All rows are gathered first, from
    /// states as they stood; what a table is computed into sees the refreshes before it. Stopped meanwhile, it leaves all as it was.
    pub fn apply(
        &self,
        step: usize,
        clock: Clock,
        learner: &mut Learner,
        loader: &Loader,
        control: &Control,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<(), TrainError> {
        let due: Vec<&Refresh> = self.graph.refreshes.iter().filter(|r| is_due(&r.times, step, clock)).collect();
        if due.is_empty() {
            return Ok(());
        }
        let (start, of) = (Instant::now(), loader.samples());
        let states: Vec<String> = due.iter().map(|r| self.graph.states[r.state.index()].name.clone()).collect();
        let mut pass = |samples| {
            on_event(&Event::Refreshing { step, states: states.clone(), samples, of });
            control.proceed()
        };
        pass(0)?;
        let tables = self.gather(&due, step, learner, loader, &mut pass)?;
        due.into_iter().try_for_each(|refresh| self.compute(refresh, step, &tables, learner, loader))?;
        on_event(&Event::Refreshed { step, states, seconds: start.elapsed().as_secs_f64() });
        Ok(())
    }

    /// The part of all steps before which something is refreshed.
    pub fn share(&self, clock: Clock) -> f64 {
        let due = |step: &usize| self.graph.refreshes.iter().any(|r| is_due(&r.times, *step, clock));
        (0..clock.steps).filter(due).count() as f64 / clock.steps.max(1) as f64
    }

    /// The rows that the refreshes read, by one pass over the data set; `pass` hears how many samples it has come to, and ends it by an error.
    fn gather(
        &self,
        due: &[&Refresh],
        step: usize,
        learner: &mut Learner,
        loader: &Loader,
        pass: &mut dyn FnMut(usize) -> Result<(), TrainError>,
    ) -> Result<Tables, TrainError> {
        let program = Program::forward(self.graph.clone(), due.iter().map(|r| r.value).collect()).wishing(self.wishes);
        let read: Vec<NodeId> = program.live();
        let wanted = self.graph.inputs.iter().filter_map(|input| {
            let InputKind::Table(node) = input.kind else { return None };
            Some((input.name.clone(), node))
        });
        let reads = |name: &str| {
            let is = |id: &NodeId| {
                let node = program.graph.node(*id);
                node.input().is_some_and(|id| self.graph.inputs[id.index()].name == name)
            };
            read.iter().any(is)
        };
        let wanted: Vec<(String, NodeId)> = wanted.filter(|(name, _)| reads(name)).collect();
        let mut tables: Tables = wanted.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
        if wanted.is_empty() {
            return Ok(tables);
        }
        let program =
            Program::forward(self.graph.clone(), wanted.iter().map(|(_, node)| *node).collect()).wishing(self.wishes);
        let size = self.size(loader.samples());
        let mut engine = exec::engine(self.kind, &program, &size)?;
        let scalars = learner.scalars(step);
        let mut left = loader.samples();
        for (number, batch) in loader.sweep(step).enumerate() {
            let batch = batch?;
            let known = inputs_of(&self.graph, &batch)?;
            let phase = Phase::Refresh { batch: number as u64 + 1 };
            let (inputs, scalars, step) = (known.feed(), scalars.clone(), step as u64);
            let feed = Feed { inputs, scalars, step, seed: self.seed, phase, ..Feed::default() };
            engine.run(&mut learner.store, &feed)?;
            for (i, (name, _)) in wanted.iter().enumerate() {
                let rows = engine.output(i);
                let used = rows.len() / self.batch * left.min(self.batch);
                tables.get_mut(name).expect("made above").extend_from_slice(&rows[..used]);
            }
            left = left.saturating_sub(self.batch);
            pass(loader.samples() - left)?;
            loader.recycle(batch);
        }
        Ok(tables)
    }

    /// Computes one state from the tables.
    fn compute(
        &self,
        refresh: &Refresh,
        step: usize,
        tables: &Tables,
        learner: &mut Learner,
        loader: &Loader,
    ) -> Result<(), TrainError> {
        let program = Program::forward(self.graph.clone(), vec![refresh.value]).wishing(self.wishes);
        let size = self.size(loader.samples());
        let mut engine = exec::engine(self.kind, &program, &size)?;
        let inputs = tables.iter().map(|(name, rows)| (name.as_str(), rows.as_slice())).collect();
        let (scalars, phase) = (learner.scalars(step), Phase::Refresh { batch: 0 });
        let feed = Feed { inputs, scalars, step: step as u64, seed: self.seed, phase, ..Feed::default() };
        engine.run(&mut learner.store, &feed)?;
        let state = &self.graph.states[refresh.state.index()];
        let values = engine.output(0);
        if !values.iter().all(|v| v.is_finite()) {
            let mut error = ExecError::new(format!("what `{}` is refreshed to is not finite", state.name));
            error.span = state.span;
            return Err(error.into());
        }
        learner.store.named_mut(&state.name).into_iter().for_each(|mine| mine.copy_from_slice(values));
        Ok(())
    }

    /// The sizes of the symbols.
    fn size(&self, samples: usize) -> impl Fn(&str) -> Option<i64> + use<> {
        super::learner::sizes(self.batch, samples)
    }
}

/// Whether something is refreshed before a step.
pub(super) fn is_due(times: &Times, step: usize, clock: Clock) -> bool {
    match times {
        Times::Every(epochs) => clock.due(step, *epochs),
        Times::Rarer(n) => {
            let due = |i: usize| ((i as f64 / *n as f64).powi(2) * clock.steps as f64).round() as usize;
            (0..*n).any(|i| due(i) == step)
        }
        Times::At(all) => step == 0 || all.iter().any(|t| (t * clock.per_epoch as f64).round() as usize == step),
    }
}
