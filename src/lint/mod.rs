//! Judgements on the graph: gradient flow, collapse, numeric traps.

mod collapse;
mod few;
mod flow;
mod gradient;
mod layout;
mod numeric;
mod range;
mod region;
mod trial;

pub use collapse::{Guard, Mechanism, mechanisms};
pub use flow::trained_by;

use crate::check::Recipe;
use crate::compile::Evaluator;
use crate::diag::{Diagnostic, Severity};
use flow::Flow;

/// What is wrong or doubtful in a recipe whose names, types and shapes are right; formulas are tried out by `evaluator`.
pub fn lint(recipe: &Recipe, evaluator: &dyn Evaluator) -> Vec<Diagnostic> {
    let flow = Flow::of(recipe);
    let mut found = gradient::judge(recipe, &flow);
    // Where a term trains nothing, what it would have protected from is not the question.
    if found.iter().all(|d| d.severity != Severity::Error) {
        found.extend(collapse::judge(recipe, &flow, evaluator));
    }
    found.extend(few::judge(recipe, &flow, evaluator));
    found.extend(numeric::judge(recipe));
    found
}
