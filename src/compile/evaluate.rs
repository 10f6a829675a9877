//! What computes small programs in f64 for whoever judges a recipe before it runs.

use super::Program;

/// Readies programs to be computed. Where nothing can, as in an editor without an engine, it readies none.
pub trait Evaluator {
    /// The program for these sizes; `None` if it cannot be computed with them.
    fn prepare(&self, program: &Program, size: &dyn Fn(&str) -> Option<i64>) -> Option<Box<dyn Evaluated>>;
}

/// A program that is ready to be computed.
pub trait Evaluated {
    /// The values of its outputs for inputs by name; `None` where numbers make an operation fail.
    fn outputs(&mut self, inputs: &[(&str, &[f32])]) -> Option<Vec<Vec<f64>>>;
}
