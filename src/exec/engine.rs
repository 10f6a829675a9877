//! What every engine does: runs a program on a store, and shows its results.

use std::fmt;

use super::candle::Candle;
use super::planned::Planned;
use super::site::{Moment, Phase};
use super::{ExecError, Real, Store, claim};
use crate::compile::{Amount, Plan, Program};
use crate::diag::Diagnostic;
use crate::graph::{Operation, ParamId, StateId};
use crate::kernels;
use crate::source::Span;

/// Computes the steps of one program.
pub trait Engine<T: Real = f32> {
    /// Carries out what a step begins with, such as averages that move before the forward pass.
    fn begin(&mut self, store: &mut Store<T>, feed: &Feed) -> Result<(), ExecError>;

    /// Computes outputs and gradients, and what states become. Nothing changes until [`Engine::advance`].
    fn compute(&mut self, store: &Store<T>, feed: &Feed) -> Result<Outcome, ExecError>;

    /// Moves the states of the store on to what was last computed, and carries out what a step ends with, such as optimizers. The first
    /// parameter with an optimizer that then is not finite, if one is not.
    fn advance(&mut self, store: &mut Store<T>, feed: &Feed) -> Result<Option<ParamId>, ExecError>;

    /// A whole step. Where something that was computed is not finite, nothing moves on.
    fn run(&mut self, store: &mut Store<T>, feed: &Feed) -> Result<Outcome, ExecError> {
        self.begin(store, feed)?;
        let outcome = self.compute(store, feed)?;
        if outcome.fault.is_none() {
            self.advance(store, feed)?;
        }
        Ok(outcome)
    }

    /// Computes the same again, and finds the first operation on the way to a result that is not finite which made of finite numbers
    /// others; nothing where there is none, or where the engine cannot tell.
    fn not_finite(&mut self, _store: &Store<T>, _feed: &Feed) -> Result<Option<Culprit>, ExecError> {
        Ok(None)
    }

    /// The value of `program.outputs[i]` in the last run.
    fn output(&self, i: usize) -> &[T];

    /// The shape of `program.outputs[i]`.
    fn output_shape(&self, i: usize) -> &[usize];

    /// The gradient `program.grads[i]` of the last run, in the layout of its parameter.
    fn gradient(&self, i: usize) -> &[T];

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
        EngineKind::Candle => {
            // It keeps every value, and knows of sizes only what it meets: what cannot be planned is found before.
            let plan = Plan::new(program, size).map_err(|e| ExecError::of_plan(e, &program.graph))?;
            let kept: usize = plan.steps.iter().map(|step| step.output.len()).fold(0, usize::saturating_add);
            claim("what a step computes", kept.saturating_mul(size_of::<T>()))?;
            Ok(Box::new(Candle::new(program, &plan, size)?))
        }
    }
}

/// The operation that made of finite numbers some that are not, or what was given so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Culprit {
    /// What it is called.
    pub operation: String,
    /// The source that asked for it.
    pub span: Option<Span>,
}

impl Culprit {
    /// A diagnostic that also says where the first number came from that is not finite.
    pub fn told(&self, diagnostic: Diagnostic) -> Diagnostic {
        match self.span {
            Some(span) => diagnostic.also(span, self.to_string()),
            None => diagnostic.note_also(self.to_string()),
        }
    }
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the first number that is not finite comes from the operation `{}`", self.operation)
    }
}

/// What a step has found of its own values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// What of it is not finite, the loss before gradients, these before states.
    pub fault: Option<Fault>,
    /// The Euclidean norm of each gradient, in the order of the program.
    pub norms: Vec<f64>,
}

impl Outcome {
    /// What is not finite of a loss, of gradients of these norms, and of what states become.
    pub(super) fn of<'v, T: Real>(
        loss: Option<f64>,
        norms: Vec<f64>,
        mut states: impl Iterator<Item = (StateId, &'v [T])>,
    ) -> Outcome {
        let gradient = norms.iter().position(|norm| !norm.is_finite()).map(Fault::Gradient);
        let state = || states.find(|(_, values)| !kernels::finite(values)).map(|(state, _)| Fault::State(state));
        let loss = loss.filter(|loss| !loss.is_finite()).map(Fault::Loss);
        Outcome { fault: loss.or(gradient).or_else(state), norms }
    }
}

/// A value that is not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The loss, which is this.
    Loss(f64),
    /// The gradient of that place in the program.
    Gradient(usize),
    /// What a state becomes.
    State(StateId),
}

/// What an operation has cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spent {
    /// The operation.
    pub operation: &'static Operation,
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
    /// The numbers of each assignment at the beginning of the step that is due, in the order of the program.
    pub before: Vec<Option<Amount>>,
    /// The same for those at its end.
    pub after: Vec<Option<Amount>>,
    /// The number of the step, from which random operations draw.
    pub step: u64,
    /// The seed of the run, from which random operations draw.
    pub seed: u64,
    /// For what it is computed, from which random operations draw.
    pub phase: Phase,
    /// A seed for each sample, where each is to have draws of its own.
    pub samples: &'a [u64],
    /// The place in the whole batch of the first sample that is computed here, from which random operations draw: 0 unless it is a part.
    pub first: u64,
}

impl<'a> Feed<'a> {
    /// From what random operations draw.
    pub fn moment(&self) -> Moment<'a> {
        let Feed { seed, step, phase, samples, first, .. } = *self;
        Moment { seed, step, phase, samples, first }
    }

    /// The numbers of the input of that name.
    pub fn input(&self, name: &str) -> Result<&'a [f32], ExecError> {
        let found = self.inputs.iter().find(|(n, _)| *n == name);
        found.map(|(_, values)| *values).ok_or_else(|| ExecError::new(format!("no input `{name}` is given")))
    }
}
