//! The mechanisms against collapse, in words.

use crate::check::{Derivation, Recipe};
use crate::graph::{Node, ValueKind};
use crate::lint::flow::ancestors;
use crate::lint::layout::{Mixing, Site};
use crate::lint::region::{Anchor, Embedding, Reach, Region};
use crate::source::Span;
use std::fmt;

/// Something in a recipe that keeps its embeddings from becoming one constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mechanism {
    /// What it is.
    pub guard: Guard,
    /// Where it stands.
    pub span: Span,
    /// How it works in this recipe, one sentence without a full stop.
    pub why: String,
}

/// A kind of mechanism; it is shown by its usual words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Samples are compared with others.
    Negatives,
    /// Features are compared with features.
    Decorrelation,
    /// Features must vary over the batch.
    Variance,
    /// Features are divided by how they vary over the batch.
    Standardization,
    /// Another statistic of the batch.
    BatchStatistics,
    /// All prototypes are used.
    BalancedAssignment,
    /// Targets without their mean, and sharper than predictions.
    CentringAndSharpening,
    /// Targets made of other samples.
    TargetsFromBatch,
    /// Pixels are predicted.
    Reconstruction,
    /// Given labels are predicted.
    Labels,
    /// A column of the data is predicted.
    Column,
    /// Each sample is a class.
    SampleLabels,
    /// What an earlier pass over the data found is predicted.
    EarlierPass,
    /// A network that is not trained is predicted.
    FixedTarget,
    /// A predictor, and a target that follows.
    AverageAndPredictor,
    /// A predictor, and a target without gradient.
    StopAndPredictor,
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Guard::Negatives => "negatives",
            Guard::Decorrelation => "decorrelation",
            Guard::Variance => "variance",
            Guard::Standardization => "standardization",
            Guard::BatchStatistics => "batch statistics",
            Guard::BalancedAssignment => "balanced assignment",
            Guard::CentringAndSharpening => "centring and sharpening",
            Guard::TargetsFromBatch => "targets from the batch",
            Guard::Reconstruction => "reconstruction",
            Guard::Labels => "labels",
            Guard::Column => "a column",
            Guard::SampleLabels => "sample labels",
            Guard::EarlierPass => "labels of an earlier pass",
            Guard::FixedTarget => "fixed target",
            Guard::AverageAndPredictor => "moving average and predictor",
            Guard::StopAndPredictor => "stop-gradient and predictor",
        })
    }
}

impl Guard {
    /// The family of methods that rest on it.
    pub fn family(self) -> &'static str {
        match self {
            Guard::Negatives => {
                "contrastive: mutual information of views is bounded from below by telling samples apart"
            }
            Guard::SampleLabels => "instance discrimination: each sample is a class of its own",
            Guard::Decorrelation | Guard::Variance | Guard::Standardization | Guard::BatchStatistics => {
                "decorrelation: the information of embeddings is kept by their variance and covariance"
            }
            Guard::BalancedAssignment => "clustering: views agree on assignments that use all prototypes",
            Guard::CentringAndSharpening => {
                "self-distillation: a student predicts the classes of a centred, sharp teacher"
            }
            Guard::Reconstruction => "reconstruction: what is left out of a picture is predicted from the rest",
            Guard::EarlierPass => "clustering: classes are what an earlier pass over the data set found alike",
            Guard::Labels => "supervised: classes are given",
            Guard::FixedTarget => "distillation: the outputs of a fixed network are predicted",
            Guard::TargetsFromBatch | Guard::Column | Guard::AverageAndPredictor | Guard::StopAndPredictor => {
                "self-distillation: one side predicts the other, through which no gradient flows"
            }
        }
    }
}

impl Mechanism {
    /// What the loss compares the embeddings with, if that does not change when the network does.
    pub(super) fn anchored(region: &Region, anchor: Anchor) -> Mechanism {
        let (guard, what) = match anchor {
            Anchor::Pixels => (Guard::Reconstruction, "with pixels, which differ from sample to sample"),
            Anchor::Labels => (Guard::Labels, "with labels, which differ from sample to sample"),
            Anchor::Column => (Guard::Column, "with a column of the data, which differs from sample to sample"),
            Anchor::Samples => {
                (Guard::SampleLabels, "with the number of the sample, so each must differ from all others")
            }
            Anchor::BalancedPass => (
                Guard::BalancedAssignment,
                "with labels that an earlier pass over the data set spread evenly over all classes",
            ),
            Anchor::Pass => (
                Guard::EarlierPass,
                "with what an earlier pass over the data set found, which differs from sample to sample",
            ),
            Anchor::FixedNetwork => (Guard::FixedTarget, "with a network that is not trained, whose outputs differ"),
        };
        let why = format!("`{}` compares the embeddings {what}", region.term.name);
        Mechanism { guard, span: region.term.span, why }
    }

    /// What a formula that brings samples together does; the most telling way it does so.
    pub(super) fn mixed(region: &Region, sites: &[Site]) -> Option<Mechanism> {
        let most_telling = |reach: Reach| sites.iter().filter(move |s| s.reach == reach).min_by_key(|s| s.mixing);
        let site = most_telling(Reach::Gradient).or_else(|| most_telling(Reach::Stopped))?;
        let (guard, what) = if site.reach == Reach::Gradient { trained(region, site) } else { targeted(site) };
        let span = region.graph.node(site.node).span.unwrap_or(region.term.span);
        Some(Mechanism { guard, span, why: format!("`{}` {what}", region.term.name) })
    }

    /// A target without gradient on one side, and on the other weights that it does not have.
    pub(super) fn asymmetric(recipe: &Recipe, region: &Region, target: &Embedding) -> Mechanism {
        let extra = "only the trained side passes through the predictor, so the target is not drawn towards it";
        if target.averaged {
            let follows = |p: &&crate::graph::Parameter| {
                p.ema.as_ref().is_some_and(|ema| target.weights.contains(&ema.of)) && p.span.is_some()
            };
            let span = recipe.graph.params.iter().find(follows).and_then(|p| p.span).unwrap_or(region.term.span);
            let why = format!("the target of `{}` follows by a moving average, and {extra}", region.term.name);
            return Mechanism { guard: Guard::AverageAndPredictor, span, why };
        }
        let why = format!("the target of `{}` passes no gradient on, and {extra}", region.term.name);
        Mechanism { guard: Guard::StopAndPredictor, span: stop(recipe, region), why }
    }
}

/// Samples brought together where gradients flow.
fn trained(region: &Region, site: &Site) -> (Guard, String) {
    match site.mixing {
        Mixing::Pairs => (Guard::Negatives, format!("compares each sample with {}", opponents(region, site))),
        Mixing::Products => (Guard::Decorrelation, "compares each feature with the others over the batch".to_owned()),
        Mixing::MeanAssignment => {
            (Guard::BalancedAssignment, "depends on how the whole batch spreads over the prototypes".to_owned())
        }
        Mixing::Share => {
            (Guard::Standardization, "divides by a statistic of the batch, which a constant lets vanish".to_owned())
        }
        Mixing::Statistic => (Guard::Variance, "depends on how far the samples of the batch are spread".to_owned()),
        Mixing::RunningAverage | Mixing::Other => {
            (Guard::BatchStatistics, "depends on how the samples of the batch lie to each other".to_owned())
        }
    }
}

/// Samples brought together where a target is made.
fn targeted(site: &Site) -> (Guard, String) {
    match site.mixing {
        Mixing::Statistic | Mixing::RunningAverage => (
            Guard::CentringAndSharpening,
            "takes the mean out of its targets and sharpens them, so neither one class nor all alike can win"
                .to_owned(),
        ),
        Mixing::Share | Mixing::MeanAssignment => {
            (Guard::BalancedAssignment, "has targets that spread the batch evenly over the prototypes".to_owned())
        }
        Mixing::Pairs | Mixing::Products | Mixing::Other => {
            (Guard::TargetsFromBatch, "takes its targets from other samples of the batch".to_owned())
        }
    }
}

/// Whom a sample is compared with.
fn opponents(region: &Region, site: &Site) -> String {
    let graph = region.graph;
    let nodes = ancestors(graph, site.node).into_iter().filter(|id| region.nodes.contains_key(id));
    let mut states = nodes.filter_map(|id| graph.node(id).state());
    match states.next() {
        Some(state) => format!("earlier samples in `{}`", graph.states[state.index()].name),
        None => "the other samples of the batch".to_owned(),
    }
}

/// Where the gradient of a target is stopped: the branch that says so, or the place in the formula.
pub(super) fn stop(recipe: &Recipe, region: &Region) -> Span {
    let stopping = recipe.branches.iter().find(|b| matches!(b.derived, Some(Derivation::StopGradient(_))));
    let nodes = region.nodes.keys().map(|id| region.graph.node(*id));
    let stops = |n: &&Node| !n.passes_gradient() && n.op().is_some_and(|op| op.values.kind == ValueKind::Moved);
    let node = nodes.filter(stops).find_map(|n| n.span);
    stopping.map(|b| b.span).or(node).unwrap_or(region.term.span)
}
