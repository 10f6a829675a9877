//! What one term of the loss does to the embeddings it trains.

use super::mechanism::{self, Guard, Mechanism};
use crate::check::{Recipe, Term};
use crate::compile::Evaluator;
use crate::graph::{NodeId, ValueKind};
use crate::lint::layout::{self, Mixing, Site};
use crate::lint::region::{Embedding, Reach, Region};
use crate::lint::trial::{Trial, Verdict};
use crate::source::Span;

/// A term with what it does against collapse.
pub(super) struct Judged<'a> {
    pub term: &'a Term,
    /// What of it keeps the embeddings from collapsing.
    pub holds: Option<Mechanism>,
    /// What of it does good, but would not hold by itself.
    pub helps: Option<Mechanism>,
    /// What is missing.
    pub gap: Option<Gap>,
    /// Whether its formula could be tried out, where that was needed.
    pub tried: bool,
}

/// What a term lacks that draws embeddings together.
#[derive(Clone, Debug)]
pub(super) enum Gap {
    /// Its targets are sharpened, but nothing takes their mean out.
    NotCentred,
    /// Its targets are centred, but no sharper than the predictions.
    NotSharpened,
    /// A predictor on one side, but the gradient flows through the other side too.
    NoStop,
    /// A moving average as target, but nothing that the trained side has alone.
    AverageAlone(Span),
    /// A stop-gradient, but nothing that the trained side has alone.
    StopAlone(Span),
    /// Nothing at all.
    Nothing,
}

impl Gap {
    /// Which gap is told first.
    pub fn rank(&self) -> usize {
        match self {
            Gap::NotCentred => 0,
            Gap::NotSharpened => 1,
            Gap::NoStop => 2,
            Gap::AverageAlone(_) => 3,
            Gap::StopAlone(_) => 4,
            Gap::Nothing => 5,
        }
    }
}

impl<'a> Judged<'a> {
    /// Judges the term of a formula.
    pub fn of(recipe: &Recipe, region: &Region<'a>, evaluator: &dyn Evaluator) -> Judged<'a> {
        let term = region.term;
        if let Some(anchor) = region.anchors().first() {
            let holds = Some(Mechanism::anchored(region, *anchor));
            return Judged { term, holds, helps: None, gap: None, tried: true };
        }
        let sites = layout::sites(region);
        let trial = || Trial::new(region, evaluator, recipe.train.batch);
        let verdict = match sites.is_empty() {
            // Every sample by itself: one constant for all is as good as any other solution.
            true => Some(Verdict::Falls),
            false => trial().and_then(|trial| trial.verdict()),
        };
        let (mixed, tried) = (Mechanism::mixed(region, &sites), verdict.is_some());
        // What cannot be tried out gets the benefit of the doubt.
        match verdict.unwrap_or(Verdict::Rises) {
            Verdict::Rises => Judged { term, holds: mixed, helps: None, gap: blunt(region, trial, &sites), tried },
            Verdict::Stays => Judged { term, holds: None, helps: mixed, gap: None, tried },
            Verdict::Falls => {
                let helps = mixed.filter(|m| m.guard == Guard::Decorrelation);
                match asymmetry(recipe, region) {
                    Ok(holds) => Judged { term, holds: Some(holds), helps, gap: None, tried },
                    Err(gap) => Judged { term, holds: None, helps, gap: Some(gap), tried },
                }
            }
        }
    }
}

/// The asymmetry between the trained side and its target that keeps a term from collapsing, or what it lacks.
fn asymmetry(recipe: &Recipe, region: &Region) -> Result<Mechanism, Gap> {
    let trained: Vec<&Embedding> = region.trained().collect();
    let Some(target) = region.targets().max_by_key(|t| (t.averaged, t.weights.len())) else {
        let within =
            |a: &Embedding, b: &Embedding| a.weights.len() < b.weights.len() && a.weights.is_subset(&b.weights);
        let predictor = trained.iter().any(|a| trained.iter().any(|b| within(a, b)));
        return Err(if predictor { Gap::NoStop } else { Gap::Nothing });
    };
    let seen_by_targets = |p| region.targets().any(|t| t.weights.contains(p));
    if trained.iter().flat_map(|e| &e.weights).any(|p| !seen_by_targets(p)) {
        return Ok(Mechanism::asymmetric(recipe, region, target));
    }
    let soft = region
        .nodes
        .iter()
        .any(|(id, reach)| *reach == Reach::Stopped && region.graph.is_of_kind(*id, ValueKind::Probabilities));
    let place = Mechanism::asymmetric(recipe, region, target).span;
    Err(match (target.averaged, soft) {
        (true, true) => Gap::NotCentred,
        (true, false) => Gap::AverageAlone(place),
        (false, _) => Gap::StopAlone(mechanism::stop(recipe, region)),
    })
}

/// Whether targets are centred without being sharper than the predictions.
fn blunt<'a>(region: &Region, trial: impl FnOnce() -> Option<Trial<'a>>, sites: &[Site]) -> Option<Gap> {
    let centred = |s: &Site| matches!(s.mixing, Mixing::Statistic | Mixing::RunningAverage);
    if !sites.iter().all(|s| s.reach == Reach::Stopped && centred(s)) {
        return None;
    }
    let find = |kind: ValueKind, wanted: Reach| {
        let is = |id: NodeId, reach: Reach| reach == wanted && region.graph.is_of_kind(id, kind);
        region.nodes.iter().find(|(id, reach)| is(**id, **reach)).map(|(id, _)| *id)
    };
    let target = find(ValueKind::Probabilities, Reach::Stopped)?;
    let prediction = find(ValueKind::LogProbabilities, Reach::Gradient)?;
    trial()?.is_blunter(target, prediction)?.then_some(Gap::NotSharpened)
}
