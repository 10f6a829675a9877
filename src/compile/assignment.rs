//! What a step does to the variables of a program besides computing: optimizers, moving averages, rows of length 1.

use crate::catalog::Config;
use crate::graph::{ParamId, ParamKind, StateId};

/// A change of one parameter, made at the beginning of each step, or at its end once everything it has computed is finite.
#[derive(Clone, Debug)]
pub enum Assignment {
    /// An optimizer moves the parameter by its gradient.
    Descend(Descend),
    /// The parameter moves towards another: `decay * parameter + (1 - decay) * of`.
    Follow {
        /// The one that moves.
        parameter: ParamId,
        /// The one that it follows.
        of: ParamId,
    },
    /// Each row along the last dimension is brought to length 1; a row of zeros stays.
    UnitRows(ParamId),
}

/// A parameter and its optimizer.
#[derive(Clone, Debug)]
pub struct Descend {
    /// A checked call of the optimizer's word.
    pub by: Config,
    /// The parameter.
    pub parameter: ParamId,
    /// What it is to its layer.
    pub kind: ParamKind,
    /// How many dimensions it has.
    pub ndim: usize,
    /// Its gradient, by its place among those of the program.
    pub gradient: usize,
    /// The states in which the optimizer keeps what it needs between steps.
    pub slots: Vec<StateId>,
}

/// The numbers of one assignment in one step, which follow schedules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// Of an optimizer.
    Descend {
        /// The learning rate.
        lr: f64,
        /// The weight decay.
        weight_decay: f64,
        /// The number of this update of the parameter, from 1.
        update: usize,
    },
    /// Of a moving average: how much of it stays.
    Follow {
        /// Between 0 and 1.
        decay: f64,
    },
    /// Of rows of length 1: nothing.
    UnitRows,
}
