//! The planned engine in f64, for programs that judge a recipe.

use super::planned::Planned;
use super::{Engine, Feed, Store};
use crate::compile::{Evaluated, Evaluator, Program};

/// Computes by the planned engine.
pub struct PlannedEvaluator;

struct Ready {
    engine: Planned<f64>,
    store: Store<f64>,
    outputs: usize,
}

impl Evaluator for PlannedEvaluator {
    fn prepare(&self, program: &Program, size: &dyn Fn(&str) -> Option<i64>) -> Option<Box<dyn Evaluated>> {
        let store = Store::new(&program.graph, size, 0).ok()?;
        let engine = Planned::new(program, size).ok()?;
        Some(Box::new(Ready { engine, store, outputs: program.outputs.len() }))
    }
}

impl Evaluated for Ready {
    fn outputs(&mut self, inputs: &[(&str, &[f32])]) -> Option<Vec<Vec<f64>>> {
        let feed = Feed { inputs: inputs.to_vec(), ..Feed::default() };
        self.engine.compute(&self.store, &feed).ok()?;
        Some((0..self.outputs).map(|i| self.engine.output(i).to_vec()).collect())
    }
}
