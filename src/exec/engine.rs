//! What every engine does: runs a program on a memory, and shows its results.

use super::candle::Candle;
use super::planned::Planned;
use super::{ExecError, Memory, Real};
use crate::compile::Program;

/// Computes the steps of one program.
pub trait Engine<T: Real = f32> {
    /// Computes outputs and gradients, and moves the states of `memory` on. Parameters are left as they are.
    fn run(&mut self, memory: &mut Memory<T>, feed: &Feed) -> Result<(), ExecError>;

    /// The value of `program.outputs[i]` in the last run.
    fn output(&self, i: usize) -> &[T];

    /// The shape of `program.outputs[i]`.
    fn output_shape(&self, i: usize) -> &[usize];

    /// The gradient `program.grads[i]` of the last run, in the layout of its parameter.
    fn gradient(&self, i: usize) -> &[T];

    /// The same, to be scaled or clipped in place.
    fn gradient_mut(&mut self, i: usize) -> &mut [T];

    /// The gradient of the loss by the input of that name in the last run, if the program asks for it.
    fn input_gradient(&self, name: &str) -> Option<&[T]>;

    /// Where the time of the runs since the profile was switched on went; nothing for engines that do not measure.
    fn profile(&self) -> Vec<Spent> {
        Vec::new()
    }

    /// Begins to measure anew, or stops measuring.
    fn measure(&mut self, _on: bool) {}
}

/// An engine of that kind for a program; `size` gives the sizes of the symbols, such as `N`.
pub fn engine<T: Real>(
    kind: EngineKind,
    program: &Program,
    size: &dyn Fn(&str) -> Option<i64>,
) -> Result<Box<dyn Engine<T>>, ExecError> {
    match kind {
        EngineKind::Planned => Ok(Box::new(Planned::new(&program.clone().fused(), size)?)),
        EngineKind::Candle => Ok(Box::new(Candle::new(program, size)?)),
    }
}

/// What an operation has cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spent {
    /// The operation.
    pub operation: &'static str,
    /// How often it ran.
    pub count: u64,
    /// How long it took in all.
    pub seconds: f64,
}

/// Which engine computes the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum EngineKind {
    /// The compiled plan over reused buffers and own kernels.
    #[default]
    Planned,
    /// Plain candle with its own autograd: slow, short, obviously right.
    Candle,
}

/// What a step is given from outside.
#[derive(Clone, Debug, Default)]
pub struct Feed<'a> {
    /// Inputs by name, row-major; images as `[N, H, W, C]`. Inputs that the program does not read are ignored.
    pub inputs: Vec<(&'a str, &'a [f32])>,
    /// The values of the scheduled scalars, in the order of `graph.scalars`.
    pub scalars: Vec<f64>,
    /// The number of the step, from which random operations draw.
    pub step: u64,
    /// The seed of the run, from which random operations draw.
    pub seed: u64,
}

impl<'a> Feed<'a> {
    /// The numbers of the input of that name.
    pub fn input(&self, name: &str) -> Result<&'a [f32], ExecError> {
        let found = self.inputs.iter().find(|(n, _)| *n == name);
        found.map(|(_, values)| *values).ok_or_else(|| ExecError::new(format!("no input `{name}` is given")))
    }
}
