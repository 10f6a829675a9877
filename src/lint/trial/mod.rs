//! A loss formula tried out: what a term is worth when the embeddings are spread out, and when they collapse.
//!
//! The formula is computed in f64 for a few made-up samples; the networks are not run. It tells what shape rules cannot:
//! whether a statistic of the batch holds the embeddings apart or draws them together.

mod embedding;
mod evaluate;
mod lines;
mod matrices;
mod operations;
mod rows;
mod tensor;

use super::region::Region;
use crate::graph::NodeId;
use evaluate::{Clouds, Trial};

/// Made-up samples in a batch, if a formula names no rows beyond.
pub(super) const SAMPLES: usize = 8;
/// Where samples begin that are none of a batch from the first one on.
const OTHERS: usize = 1000;
/// How far from one constant the embeddings are when they have nearly collapsed, as a part of their length.
const NEAR: f64 = 0.3;
/// Differences below this part of a term's value are put down to the small numbers added to denominators.
const TOLERANCE: f64 = 0.01;
/// How much more entropy targets may have than predictions, as a part of the most there can be.
const BLUNTER: f64 = 0.2;

/// What a term makes of embeddings that collapse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It falls: the term draws the embeddings together.
    Falls,
    /// It stays as it is.
    Stays,
    /// It rises: the term holds the embeddings apart.
    Rises,
}

/// Tries a term out, with no more samples than a batch has, or eight; `None` if it cannot be computed here.
pub(super) fn verdict(region: &Region, batch: usize) -> Option<Verdict> {
    let (clouds, samples) = (Clouds::default(), rows::enough(region, batch)?);
    let [spread, near, constant] = [1.0, NEAR, 0.0].map(|apart| Trial::new(region, samples, apart, &clouds).term());
    let (spread, near, constant) = (spread?, near?, constant?);
    Some(match (compare(spread, near), compare(spread, constant)) {
        (Verdict::Stays, Verdict::Rises) => Verdict::Rises,
        (verdict, _) => verdict,
    })
}

fn compare(spread: f64, collapsed: f64) -> Verdict {
    let difference = collapsed - spread;
    match difference.abs() > TOLERANCE * spread.abs().max(collapsed.abs()) {
        false => Verdict::Stays,
        true if difference > 0.0 => Verdict::Rises,
        true => Verdict::Falls,
    }
}

/// Whether a term of so many samples is the same whatever their embeddings are; `None` if it cannot be computed here.
pub(super) fn is_idle(region: &Region, samples: usize) -> Option<bool> {
    let term = |first: usize| Trial::of_samples(region, samples, first).term();
    let (one, other) = (term(0)?, term(OTHERS)?);
    Some((one - other).abs() <= 1e-9 * one.abs().max(1.0))
}

/// Whether the targets, probabilities, have clearly more entropy than the predictions, logarithms of probabilities, for
/// embeddings that are spread out.
pub(super) fn is_blunter(region: &Region, batch: usize, target: NodeId, prediction: NodeId) -> Option<bool> {
    let trial = Trial::new(region, rows::enough(region, batch)?, 1.0, &Clouds::default());
    let (target, prediction) = (trial.value(target)?, trial.value(prediction)?);
    let classes = target.shape.last().copied().filter(|&n| n > 0)? as f64;
    let rows = |count: usize| count as f64 / classes;
    let of_target = -target.data.iter().map(|&p| if p > 0.0 { p * p.ln() } else { 0.0 }).sum::<f64>();
    let of_prediction = -prediction.data.iter().map(|&l| l.exp() * l).sum::<f64>();
    let (blunt, sharp) = (of_target / rows(target.data.len()), of_prediction / rows(prediction.data.len()));
    (blunt.is_finite() && sharp.is_finite()).then_some(blunt - sharp > BLUNTER * classes.ln())
}
