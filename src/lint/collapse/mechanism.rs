//! The mechanisms against collapse, in words.

use crate::check::Recipe;
use crate::lint::flow::ancestors;
use crate::lint::layout::{Mixing, Site};
use crate::lint::region::{Anchor, Embedding, Reach, Region};
use crate::source::Span;

/// Something in a recipe that keeps its embeddings from becoming one constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mechanism {
    /// What it is called: `negatives`, `variance`, `moving average and predictor`.
    pub name: &'static str,
    /// Where it stands.
    pub span: Span,
    /// How it works in this recipe, one sentence without a full stop.
    pub why: String,
}

impl Mechanism {
    /// The family of methods that rest on it.
    pub fn family(&self) -> &'static str {
        match self.name {
            "negatives" => "contrastive: mutual information of views is bounded from below by telling samples apart",
            "sample labels" => "instance discrimination: each sample is a class of its own",
            "decorrelation" | "variance" | "standardization" | "batch statistics" => {
                "decorrelation: the information of embeddings is kept by their variance and covariance"
            }
            "balanced assignment" => "clustering: views agree on assignments that use all prototypes",
            "centring and sharpening" => {
                "self-distillation: a student predicts the classes of a centred, sharp teacher"
            }
            "reconstruction" => "reconstruction: what is left out of a picture is predicted from the rest",
            "labels of an earlier pass" => "clustering: classes are what an earlier pass over the data set found alike",
            "labels" => "supervised: classes are given",
            "fixed target" => "distillation: the outputs of a fixed network are predicted",
            _ => "self-distillation: one side predicts the other, through which no gradient flows",
        }
    }

    /// What the loss compares the embeddings with, if that does not change when the network does.
    pub(super) fn anchored(region: &Region, anchor: Anchor) -> Mechanism {
        let (name, what) = match anchor {
            Anchor::Pixels => ("reconstruction", "with pixels, which differ from sample to sample"),
            Anchor::Labels => ("labels", "with labels, which differ from sample to sample"),
            Anchor::Column => ("a column", "with a column of the data, which differs from sample to sample"),
            Anchor::Samples => ("sample labels", "with the number of the sample, so each must differ from all others"),
            Anchor::BalancedPass => (
                "balanced assignment",
                "with labels that an earlier pass over the data set spread evenly over all classes",
            ),
            Anchor::Pass => (
                "labels of an earlier pass",
                "with what an earlier pass over the data set found, which differs from sample to sample",
            ),
            Anchor::FixedNetwork => ("fixed target", "with a network that is not trained, whose outputs differ"),
        };
        let why = format!("`{}` compares the embeddings {what}", region.term.name);
        Mechanism { name, span: region.term.span, why }
    }

    /// What a formula that brings samples together does; the most telling way it does so.
    pub(super) fn mixed(region: &Region, sites: &[Site]) -> Option<Mechanism> {
        let most_telling = |reach: Reach| sites.iter().filter(move |s| s.reach == reach).min_by_key(|s| s.mixing);
        let site = most_telling(Reach::Gradient).or_else(|| most_telling(Reach::Stopped))?;
        let (name, what) = if site.reach == Reach::Gradient { trained(region, site) } else { targeted(site) };
        let span = region.graph.node(site.node).span.unwrap_or(region.term.span);
        Some(Mechanism { name, span, why: format!("`{}` {what}", region.term.name) })
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
            return Mechanism { name: "moving average and predictor", span, why };
        }
        let why = format!("the target of `{}` passes no gradient on, and {extra}", region.term.name);
        Mechanism { name: "stop-gradient and predictor", span: stop(recipe, region), why }
    }
}

/// Samples brought together where gradients flow.
fn trained(region: &Region, site: &Site) -> (&'static str, String) {
    match site.mixing {
        Mixing::Pairs => ("negatives", format!("compares each sample with {}", opponents(region, site))),
        Mixing::Products => ("decorrelation", "compares each feature with the others over the batch".to_owned()),
        Mixing::MeanAssignment => {
            ("balanced assignment", "depends on how the whole batch spreads over the prototypes".to_owned())
        }
        Mixing::Share => {
            ("standardization", "divides by a statistic of the batch, which a constant lets vanish".to_owned())
        }
        Mixing::Statistic => ("variance", "depends on how far the samples of the batch are spread".to_owned()),
        Mixing::RunningAverage | Mixing::Other => {
            ("batch statistics", "depends on how the samples of the batch lie to each other".to_owned())
        }
    }
}

/// Samples brought together where a target is made.
fn targeted(site: &Site) -> (&'static str, String) {
    match site.mixing {
        Mixing::Statistic | Mixing::RunningAverage => (
            "centring and sharpening",
            "takes the mean out of its targets and sharpens them, so neither one class nor all alike can win"
                .to_owned(),
        ),
        Mixing::Share | Mixing::MeanAssignment => {
            ("balanced assignment", "has targets that spread the batch evenly over the prototypes".to_owned())
        }
        Mixing::Pairs | Mixing::Products | Mixing::Other => {
            ("targets from the batch", "takes its targets from other samples of the batch".to_owned())
        }
    }
}

/// Whom a sample is compared with.
fn opponents(region: &Region, site: &Site) -> String {
    let graph = region.graph;
    let nodes = ancestors(graph, site.node).into_iter().filter(|id| region.nodes.contains_key(id));
    let mut states = nodes.map(|id| graph.node(id)).filter(|n| n.op.name == "state");
    match states.next() {
        Some(state) => format!("earlier samples in `{}`", graph.states[state.attrs.get_usize("id")].name),
        None => "the other samples of the batch".to_owned(),
    }
}

/// Where the gradient of a target is stopped: the branch that says so, or the place in the formula.
pub(super) fn stop(recipe: &Recipe, region: &Region) -> Span {
    let stopping = recipe.branches.iter().find(|b| b.derived.as_ref().is_some_and(|(how, _)| how == "stopgrad"));
    let nodes = region.nodes.keys().map(|id| region.graph.node(*id));
    let node = nodes.filter(|n| n.op.name == "stopgrad").find_map(|n| n.span);
    stopping.map(|b| b.span).or(node).unwrap_or(region.term.span)
}
