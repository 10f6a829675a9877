//! Whether a training of another length would have done the same so far.

use super::Clock;
use super::refresh::is_due;
use crate::check::Recipe;
use crate::source::Span;

/// Whether everything before step `done` would have been the same by another clock; otherwise what would not, and where it is written.
pub fn same_until(recipe: &Recipe, old: Clock, new: Clock, done: usize) -> Result<(), (String, Option<Span>)> {
    for (schedule, span) in &recipe.schedules {
        let at = |step: usize, clock: Clock| schedule.at(step, clock.steps, clock.per_epoch);
        if (0..done).any(|step| at(step, old) != at(step, new)) {
            return Err(("this schedule".to_owned(), Some(*span)));
        }
    }
    for refresh in &recipe.graph.refreshes {
        if (0..done).any(|step| is_due(&refresh.times, step, old) != is_due(&refresh.times, step, new)) {
            let state = &recipe.graph.states[refresh.state.index()];
            return Err((format!("when `{}` is refreshed", state.name), state.span));
        }
    }
    Ok(())
}
