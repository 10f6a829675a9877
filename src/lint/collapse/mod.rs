//! Collapse: what keeps the embeddings from becoming one constant, and the warning if nothing does.

mod mechanism;
mod term;
mod warning;

pub use mechanism::{Guard, Mechanism};

use super::flow::Flow;
use super::region::Region;
use crate::check::Recipe;
use crate::compile::Evaluator;
use crate::diag::Diagnostic;
use term::Judged;

/// What keeps the embeddings of a recipe from collapsing, and where it stands in the source; nothing for recipes without
/// views or trained embeddings.
pub fn mechanisms(recipe: &Recipe, evaluator: &dyn Evaluator) -> Vec<Mechanism> {
    let judged = terms(recipe, &Flow::of(recipe), evaluator);
    // A term that draws the embeddings together may still do good, but only where another holds them apart.
    let held = judged.iter().any(|j| j.holds.is_some()) || judged.iter().all(|j| j.gap.is_none());
    let mut found: Vec<Mechanism> = Vec::new();
    for mechanism in judged.into_iter().flat_map(|j| j.holds.into_iter().chain(j.helps.filter(|_| held))) {
        if found.iter().all(|m| (m.guard, m.span) != (mechanism.guard, mechanism.span)) {
            found.push(mechanism);
        }
    }
    found
}

/// A warning, if nothing or only half of a mechanism stands against collapse; a note, where that hangs on a term that could not be
/// tried out.
pub(super) fn judge(recipe: &Recipe, flow: &Flow, evaluator: &dyn Evaluator) -> Option<Diagnostic> {
    let judged = terms(recipe, flow, evaluator);
    if let Some(untried) = judged.iter().find(|j| !j.tried)
        && !judged.iter().any(|j| j.tried && j.holds.is_some())
    {
        return Some(warning::not_judged(untried));
    }
    if judged.iter().any(|j| j.holds.is_some()) {
        let halves = judged.iter().filter(|j| j.holds.is_some());
        return halves.filter_map(|j| Some(warning::warning(j, j.gap.as_ref()?))).next();
    }
    let open = judged.iter().filter_map(|j| Some((j, j.gap.as_ref()?)));
    // The gap that says most: that of a term with half of a mechanism.
    open.min_by_key(|(_, gap)| gap.rank()).map(|(j, gap)| warning::warning(j, gap))
}

/// Every term that trains embeddings of views, with what it does to them.
fn terms<'a>(recipe: &'a Recipe, flow: &Flow, evaluator: &dyn Evaluator) -> Vec<Judged<'a>> {
    if recipe.views.is_empty() {
        return Vec::new();
    }
    let regions = recipe.loss.terms.iter().map(|term| Region::of(recipe, flow, term));
    regions.filter(|r| r.trained().next().is_some()).map(|region| Judged::of(recipe, &region, evaluator)).collect()
}
