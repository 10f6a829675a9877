//! Terms that compare the samples of a batch, where a batch has too few for that.

use super::flow::Flow;
use super::region::Region;
use super::trial::{SAMPLES, Trial};
use crate::check::{Recipe, Term};
use crate::compile::Evaluator;
use crate::diag::{Code, Diagnostic};

/// A warning for each term that is the same whatever the embeddings are, for it is given so few at a time.
pub(super) fn judge(recipe: &Recipe, flow: &Flow, evaluator: &dyn Evaluator) -> Vec<Diagnostic> {
    let batch = recipe.train.batch;
    if recipe.views.is_empty() || batch >= SAMPLES {
        return Vec::new();
    }
    let terms = recipe.loss.terms.iter().filter(|term| {
        let region = Region::of(recipe, flow, term);
        let idle = |samples| Trial::of_samples(&region, evaluator, samples).is_idle();
        region.trained().next().is_some() && idle(batch) == Some(true) && idle(SAMPLES) == Some(false)
    });
    let warn = |term: &Term| {
        let message =
            format!("the loss term `{}` trains nothing with a batch of {batch}: it compares samples", term.name);
        Diagnostic::warning(Code::TERM_TRAINS_NOTHING, term.span, message).help("give `train` a larger `batch`")
    };
    terms.map(warn).collect()
}
