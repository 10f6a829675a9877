//! The plan of a program: what is computed in which order, and where in memory every value lies.

use super::Program;
use super::planner::Planner;
use crate::graph::{Attrs, InputId, NodeId, Operation, ParamId, ScalarId, StateId};

/// Why a program cannot be planned for some sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// What is wrong.
    pub message: String,
    /// The node that cannot be computed.
    pub node: NodeId,
}

/// A program with every size known, ready to be run again and again over the same memory.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is computed, in order.
    pub steps: Vec<Step>,
    /// The length of the arena in floats.
    pub arena_len: usize,
    /// Where the values asked for lie after a run, in the order of the program.
    pub outputs: Vec<Operand>,
    /// Where the loss lies after a run.
    pub loss: Option<Operand>,
    /// Where the gradients of parameters lie after a run.
    pub grads: Vec<(ParamId, Operand)>,
    /// Where the gradients of inputs lie after a run.
    pub input_grads: Vec<(String, Operand)>,
    /// Where the next values of states lie after a run.
    pub updates: Vec<(StateId, Operand)>,
}

/// One call of an operation.
#[derive(Clone, Debug)]
pub struct Step {
    /// The node it computes.
    pub node: NodeId,
    /// The operation.
    pub op: &'static Operation,
    /// The node's attributes with every dimension a number: `Dims` have become `Ints`.
    pub attrs: Attrs,
    /// What is read.
    pub inputs: Vec<Operand>,
    /// What is written.
    pub output: Operand,
    /// The input whose memory the output takes over, element by element; all inputs that lie there have its shape.
    pub in_place: Option<usize>,
    /// How many floating-point operations it takes.
    pub flops: u64,
}

/// A value in memory, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// Where it lies.
    pub loc: Loc,
    /// Its dimensions.
    pub shape: Vec<usize>,
}

impl Operand {
    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loc {
    /// In the arena.
    Arena {
        /// Where it begins, in floats.
        offset: usize,
        /// How many floats it has.
        len: usize,
    },
    /// A parameter, in its own layout.
    Param(ParamId),
    /// A state as it stood before the step.
    State(StateId),
    /// An input.
    Input(InputId),
    /// A scheduled scalar.
    Scalar(ScalarId),
    /// A number.
    Constant(f64),
}

impl Plan {
    /// Plans a program for the given sizes of its symbols.
    pub fn new(program: &Program, sizes: &dyn Fn(&str) -> Option<i64>) -> Result<Plan, PlanError> {
        let mut planner = Planner::new(program, sizes)?;
        planner.assign_buffers();
        Ok(planner.finish())
    }

    /// The fewest floats that the values of a program take, and the largest of them: what is known without laying them out.
    pub fn least(program: &Program, sizes: &dyn Fn(&str) -> Option<i64>) -> Result<(usize, Option<NodeId>), PlanError> {
        let mut planner = Planner::new(program, sizes)?;
        planner.assign_buffers();
        Ok(planner.least())
    }
}
