//! A loss formula tried out: what a term is worth when the embeddings are spread out, and when they collapse.
//!
//! The formula is computed in f64 for a few made-up samples, by whatever engine there is; the networks are not run. It tells what
//! shape rules cannot: whether a statistic of the batch holds the embeddings apart or draws them together.

mod embedding;
mod formula;
mod given;

use super::region::Region;
use crate::compile::Evaluator;
use crate::graph::NodeId;
use embedding::Cloud;
use formula::Formula;
use given::Given;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Made-up samples in a batch, if a formula names no rows beyond.
pub(super) const SAMPLES: usize = 8;
/// The most samples that a trial is made with.
const MOST: usize = 512;
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

/// The formula of a term, to be tried out with so many samples.
pub(super) struct Trial<'a> {
    region: &'a Region<'a>,
    evaluator: &'a dyn Evaluator,
    samples: usize,
    /// The formula of each node whose value was asked for.
    formulas: RefCell<BTreeMap<NodeId, Formula>>,
    /// The embeddings that were drawn, by node and first sample.
    clouds: RefCell<BTreeMap<(NodeId, usize), Cloud>>,
}

impl<'a> Trial<'a> {
    /// A trial with the fewest samples, eight or more, for which every part that the formula takes of a dimension lies within it. No
    /// more than a batch has, nor than a trial can do with; `None` where that is too few.
    pub fn new(region: &'a Region<'a>, evaluator: &'a dyn Evaluator, batch: usize) -> Option<Self> {
        let most = batch.clamp(SAMPLES, MOST);
        let doubled = std::iter::successors(Some(SAMPLES), |n| Some(2 * n)).take_while(|n| *n < most);
        let samples = doubled.chain([most]).find(|&samples| formula::fits(region, samples))?;
        Some(Self::of_samples(region, evaluator, samples))
    }

    /// A trial with so many samples.
    pub fn of_samples(region: &'a Region<'a>, evaluator: &'a dyn Evaluator, samples: usize) -> Self {
        Trial { region, evaluator, samples, formulas: RefCell::default(), clouds: RefCell::default() }
    }

    /// What the term makes of embeddings that collapse; `None` if it cannot be computed here.
    pub fn verdict(&self) -> Option<Verdict> {
        let [spread, near, constant] = [1.0, NEAR, 0.0].map(|apart| self.term(Given { apart, ..Given::SPREAD }));
        let (spread, near, constant) = (spread?, near?, constant?);
        Some(match (compare(spread, near), compare(spread, constant)) {
            (Verdict::Stays, Verdict::Rises) => Verdict::Rises,
            (verdict, _) => verdict,
        })
    }

    /// Whether the term is the same whatever the embeddings are; `None` if it cannot be computed here.
    pub fn is_idle(&self) -> Option<bool> {
        let (one, other) = (self.term(Given::SPREAD)?, self.term(Given { first: OTHERS, ..Given::SPREAD })?);
        Some((one - other).abs() <= 1e-9 * one.abs().max(1.0))
    }

    /// Whether the targets, probabilities, have clearly more entropy than the predictions, logarithms of probabilities, for
    /// embeddings that are spread out.
    pub fn is_blunter(&self, target: NodeId, prediction: NodeId) -> Option<bool> {
        let shape = &self.region.graph.shape(target).0;
        let classes = formula::concrete(shape, self.samples)?.last().copied().filter(|&n| n > 0)? as f64;
        let (target, prediction) = (self.value(target, Given::SPREAD)?, self.value(prediction, Given::SPREAD)?);
        let rows = |count: usize| count as f64 / classes;
        let of_target = -target.iter().map(|&p| if p > 0.0 { p * p.ln() } else { 0.0 }).sum::<f64>();
        let of_prediction = -prediction.iter().map(|&l| l.exp() * l).sum::<f64>();
        let (blunt, sharp) = (of_target / rows(target.len()), of_prediction / rows(prediction.len()));
        (blunt.is_finite() && sharp.is_finite()).then_some(blunt - sharp > BLUNTER * classes.ln())
    }

    /// The value of the term, if it can be computed and is finite.
    fn term(&self, given: Given) -> Option<f64> {
        let value = self.value(self.region.term.node, given)?.first().copied()?;
        value.is_finite().then_some(value)
    }

    /// The value of a node of the formula.
    fn value(&self, wanted: NodeId, given: Given) -> Option<Vec<f64>> {
        // A state's value may ask for that of another node: the formula is taken out while it is computed.
        let known = self.formulas.borrow_mut().remove(&wanted);
        let prepared = || Formula::new(self.region, self.evaluator, wanted, self.samples);
        let mut formula = known.or_else(prepared)?;
        let leaves = formula.leaves.iter().map(|leaf| self.leaf(leaf, given));
        let value = leaves.collect::<Option<Vec<_>>>().and_then(|values| formula.compute(&values));
        self.formulas.borrow_mut().insert(wanted, formula);
        value
    }
}

fn compare(spread: f64, collapsed: f64) -> Verdict {
    let difference = collapsed - spread;
    match difference.abs() > TOLERANCE * spread.abs().max(collapsed.abs()) {
        false => Verdict::Stays,
        true if difference > 0.0 => Verdict::Rises,
        true => Verdict::Falls,
    }
}
