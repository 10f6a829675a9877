//! The planned engine: a list of calls over one block of memory that is reused step after step.

mod arena;
mod assign;
mod attention;
mod call;
mod conv;
mod elementwise;
mod fused;
mod index;
mod labels;
mod linalg;
mod lowering;
mod matmul;
mod movement;
mod norm;
mod random;
mod reduce;
mod results;
mod softmax;
mod suspects;

use super::assignments::Assignments;
use super::store::Bound;
use super::{Culprit, Engine, ExecError, Feed, Outcome, Real, Spent, Store, claim};
use crate::compile::{Plan, Program};
use crate::graph::{InputId, Operation, ParamId, StateId};
use crate::optim;
use arena::Arena;
use call::{Call, Outside};
use results::Kept;
use std::time::Instant;
use suspects::Suspects;

/// Whether the engine can compute that operation.
pub fn computes(operation: &Operation) -> bool {
    lowering::find::<f32>(operation).is_some()
}

/// Runs a compiled plan.
pub struct Planned<T: Real> {
    program: Program,
    arena: Arena<T>,
    calls: Vec<Call<T>>,
    inputs: Vec<(InputId, Vec<T>)>,
    scalars: Vec<T>,
    constants: Vec<T>,
    outputs: Vec<Kept<T>>,
    grads: Vec<Kept<T>>,
    input_grads: Vec<(String, Kept<T>)>,
    updates: Vec<(StateId, Kept<T>)>,
    /// The place of the loss among the outputs.
    loss: Option<usize>,
    assignments: Assignments<T>,
    /// The norms of the last gradients.
    norms: Vec<f64>,
    measures: bool,
    bound: Bound,
}

impl<T: Real> Planned<T> {
    /// Plans a program for the given sizes and resolves every call.
    pub fn new(program: &Program, size: &dyn Fn(&str) -> Option<i64>) -> Result<Self, ExecError> {
        let plan = Plan::new(program, size).map_err(|e| ExecError::of_plan(e, &program.graph))?;
        claim("what a step computes", plan.arena_len.saturating_mul(size_of::<T>()))?;
        let mut sources = call::Sources::default();
        let calls = plan.steps.iter().map(|step| {
            let fast = program.wishes.fast_convolution;
            Call::new(step, &mut sources, fast).map_err(|message| ExecError::new(message).at(&program.graph, step.node))
        });
        let calls = calls.collect::<Result<Vec<_>, _>>()?;
        let mut keep = |operand| Kept::new(operand, &mut sources);
        let outputs = plan.outputs.iter().map(&mut keep).collect();
        let grads = plan.grads.iter().map(|(_, operand)| keep(operand)).collect();
        let input_grads = plan.input_grads.iter().map(|(name, operand)| (name.clone(), keep(operand))).collect();
        let updates = plan.updates.iter().map(|(state, operand)| (*state, keep(operand))).collect();
        let (inputs, constants) = sources.finish();
        Ok(Planned {
            arena: Arena::new(plan.arena_len),
            calls,
            inputs,
            scalars: vec![T::ZERO; program.graph.scalars.len()],
            constants,
            outputs,
            grads,
            input_grads,
            updates,
            loss: program.loss.and_then(|loss| program.outputs.iter().position(|output| *output == loss)),
            assignments: Assignments::new(program)?,
            norms: Vec::new(),
            measures: false,
            bound: Bound::default(),
            program: program.clone(),
        })
    }

    /// Takes over what the step is given.
    fn take(&mut self, feed: &Feed) -> Result<(), ExecError> {
        for (id, values) in &mut self.inputs {
            let name = &self.program.graph.inputs[id.index()].name;
            let given = feed.input(name)?;
            if given.len() != values.len() {
                let (has, wants) = (given.len(), values.len());
                return Err(ExecError::new(format!("input `{name}` has {has} numbers instead of {wants}")));
            }
            values.iter_mut().zip(given).for_each(|(mine, &x)| *mine = T::from_f64(f64::from(x)));
        }
        if feed.scalars.len() != self.scalars.len() {
            let (has, wants) = (feed.scalars.len(), self.scalars.len());
            return Err(ExecError::new(format!("{has} scheduled scalars are given instead of {wants}")));
        }
        self.scalars.iter_mut().zip(&feed.scalars).for_each(|(mine, &x)| *mine = T::from_f64(x));
        Ok(())
    }

    /// Computes everything, parameters and states only read; `after` sees each call once it is done.
    fn calls(&mut self, store: &Store<T>, feed: &Feed, after: &mut After<T>) -> Result<(), ExecError> {
        let graph = &self.program.graph;
        let binding = self.bound.to(store, graph)?;
        let outside = Outside {
            params: binding.params(store),
            states: binding.states(store),
            inputs: &self.inputs,
            scalars: &self.scalars,
            constants: &self.constants,
        };
        let moment = feed.moment();
        for call in &mut self.calls {
            let start = self.measures.then(Instant::now);
            let done = call.run(self.arena.numbers_mut(), &outside, moment);
            done.map_err(|message| ExecError::new(message).at(graph, call.node))?;
            after(call, self.arena.numbers(), &outside);
            if let Some(start) = start {
                call.spent += start.elapsed();
                call.runs += 1;
            }
        }
        let results = self.outputs.iter_mut().chain(&mut self.grads);
        let results = results.chain(self.input_grads.iter_mut().map(|(_, kept)| kept));
        for kept in results.chain(self.updates.iter_mut().map(|(_, kept)| kept)) {
            kept.keep(&outside);
        }
        Ok(())
    }
}

impl<T: Real> Planned<T> {
    /// What is not finite of what was just computed, and the norms of the gradients.
    fn outcome(&mut self) -> Outcome {
        let arena = self.arena.numbers();
        let loss = self.loss.and_then(|i| self.outputs[i].numbers(arena).first()).map(|loss| loss.to_f64());
        self.norms = self.grads.iter().map(|kept| optim::norm(kept.numbers(arena))).collect();
        let states = self.updates.iter().map(|(state, kept)| (*state, kept.numbers(arena)));
        Outcome::of(loss, self.norms.clone(), states)
    }
}

/// What sees a call once it is done, with all numbers it may have read.
type After<'a, T> = dyn FnMut(&Call<T>, &[T], &Outside<T>) + 'a;

impl<T: Real> Engine<T> for Planned<T> {
    fn begin(&mut self, store: &mut Store<T>, feed: &Feed) -> Result<(), ExecError> {
        let binding = self.bound.to(store, &self.program.graph)?;
        self.assignments.begin(store, binding, &feed.before);
        Ok(())
    }

    fn compute(&mut self, store: &Store<T>, feed: &Feed) -> Result<Outcome, ExecError> {
        self.take(feed)?;
        self.calls(store, feed, &mut |_, _, _| {})?;
        Ok(self.outcome())
    }

    fn advance(&mut self, store: &mut Store<T>, feed: &Feed) -> Result<Option<ParamId>, ExecError> {
        let (binding, arena) = (self.bound.last(store)?, self.arena.numbers());
        for (state, kept) in &self.updates {
            store.set(binding.state(*state), kept.numbers(arena))?;
        }
        let gradient = |i: usize| self.grads[i].numbers(arena);
        self.assignments.end(store, binding, &feed.after, &gradient, &self.norms);
        Ok(self.assignments.not_finite(store, binding))
    }

    fn not_finite(&mut self, store: &Store<T>, feed: &Feed) -> Result<Option<Culprit>, ExecError> {
        self.take(feed)?;
        let program = self.program.clone();
        let mut suspects = Suspects::new(&program);
        self.calls(store, feed, &mut |call, arena, outside| suspects.look(call, arena, outside))?;
        Ok(suspects.culprit())
    }

    fn output(&self, i: usize) -> &[T] {
        self.outputs[i].numbers(self.arena.numbers())
    }

    fn output_shape(&self, i: usize) -> &[usize] {
        &self.outputs[i].shape
    }

    fn gradient(&self, i: usize) -> &[T] {
        self.grads[i].numbers(self.arena.numbers())
    }

    fn input_gradient(&self, name: &str) -> Option<&[T]> {
        let found = self.input_grads.iter().find(|(n, _)| n == name);
        found.map(|(_, kept)| kept.numbers(self.arena.numbers()))
    }

    fn profile(&self) -> Vec<Spent> {
        let mut all: Vec<Spent> = Vec::new();
        for call in &self.calls {
            let seconds = call.spent.as_secs_f64();
            match all.iter_mut().find(|s| s.operation == call.operation) {
                Some(spent) => (spent.count, spent.seconds) = (spent.count + call.runs, spent.seconds + seconds),
                None => all.push(Spent { operation: call.operation, count: call.runs, seconds }),
            }
        }
        all.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        all
    }

    fn measure(&mut self, on: bool) {
        self.measures = on;
        if on {
            self.calls.iter_mut().for_each(Call::forget);
        }
    }
}
