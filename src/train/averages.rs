//! Parameters that follow others by exponential moving average.

use super::Clock;
use crate::catalog::Schedule;
use crate::exec::Store;
use crate::graph::{Graph, ParamId};
use crate::optim::ema_update;

/// All averaged parameters of a graph. Running statistics are not averaged: a branch gathers its own.
pub struct Averages {
    all: Vec<Average>,
}

struct Average {
    id: ParamId,
    of: ParamId,
    decay: Schedule,
    before: bool,
    every: Option<f64>,
}

impl Averages {
    /// The averaged parameters of a graph, in its order.
    pub fn new(graph: &Graph) -> Self {
        let follow = |(i, parameter): (usize, &crate::graph::Parameter)| {
            let ema = parameter.ema.clone()?;
            Some(Average { id: ParamId(i as u32), of: ema.of, decay: ema.decay, before: ema.before, every: ema.every })
        };
        Self { all: graph.params.iter().enumerate().filter_map(follow).collect() }
    }

    /// Moves the averages whose turn it is: those that move before the forward pass, or those after the optimizer.
    pub fn apply(&self, store: &mut Store, before: bool, step: usize, clock: Clock) {
        let due = |a: &&Average| a.before == before && a.every.is_none_or(|epochs| clock.due(step, epochs));
        for average in self.all.iter().filter(due) {
            let decay = average.decay.at(step, clock.steps, clock.per_epoch);
            let [mine, other] = store.disjoint([store.param(average.id), store.param(average.of)]);
            ema_update(mine, other, decay);
        }
    }
}
