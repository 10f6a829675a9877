//! A checked recipe: everything the rooms below need to run it, every default explicit.

use crate::catalog::{Config, Schedule};
use crate::compile::Wishes;
use crate::data::augment::PixelNorm;
use crate::data::{DataError, Frame, Layout, Preprocess};
use crate::graph::{Graph, NodeId, Parameter};
use crate::nn::Peer;
use crate::source::Span;
use crate::weights::KnownNorm;
use std::path::PathBuf;

/// A recipe that has passed every check.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Its title.
    pub title: String,
    /// The paper it follows.
    pub paper: Option<String>,
    /// The recipe as one text: imports resolved, overrides applied, canonical layout. Kept and hashed with a run.
    pub text: String,
    /// The data set to train on.
    pub data: Config,
    /// The views of a sample, groups spread out.
    pub views: Vec<View>,
    /// What samples are taken for: the size that views are relative to.
    pub frame: Frame,
    /// How pixels are normalised where a view does not say it; `None` without a data set.
    pub norm: Option<PixelNorm>,
    /// The branches in order of declaration.
    pub branches: Vec<Branch>,
    /// The results and taps of stages in the graph, wherever a stage is applied: the embeddings.
    pub embeddings: Vec<NodeId>,
    /// What a training step computes.
    pub graph: Graph,
    /// The loss.
    pub loss: Loss,
    /// The branches whose weights come from elsewhere.
    pub frozen: Vec<Frozen>,
    /// What starts with weights from files.
    pub starts: Vec<Started>,
    /// The recipes that those are frozen from, as `text` names them: file and text.
    pub parts: Vec<(String, String)>,
    /// How it is trained.
    pub train: Train,
    /// Every schedule it writes, and where.
    pub schedules: Vec<(Schedule, Span)>,
    /// What is judged, and how.
    pub evaluate: Evaluate,
    /// What must stay true while training.
    pub expectations: Vec<Expectation>,
}

impl Recipe {
    /// Every graph it is computed by: that of a step, and those of the judged encoder.
    pub(super) fn graphs_mut(&mut self) -> impl Iterator<Item = &mut Graph> {
        let encoder = self.evaluate.encoder.iter_mut();
        let encoder = encoder.flat_map(|e| [Some(&mut e.graph), e.tuned.as_mut().map(|(graph, _)| graph)]);
        let pairs = self.evaluate.pairs.iter_mut().flat_map(|(_, pair)| [&mut pair.pictures.graph, &mut pair.graph]);
        [&mut self.graph].into_iter().chain(encoder.flatten()).chain(pairs)
    }

    /// The encoders that are judged.
    pub(super) fn encoders_mut(&mut self) -> impl Iterator<Item = &mut Encoder> {
        let pairs = self.evaluate.pairs.iter_mut().map(|(_, pair)| &mut pair.pictures);
        self.evaluate.encoder.iter_mut().chain(pairs)
    }
}

/// One view of a sample.
#[derive(Clone, Debug)]
pub struct View {
    /// Its name; `global[1]` for the second of a group.
    pub name: String,
    /// The view it starts from, if it does not start from the sample.
    pub from: Option<usize>,
    /// The column whose picture it starts from, if that is not the sample's first one.
    pub column: Option<usize>,
    /// Its pipeline of augmentations.
    pub steps: Vec<Config>,
    /// Height and width after the pipeline.
    pub size: (usize, usize),
    /// The view whose pixels it shows: itself, or the one it only masks.
    pub shows: usize,
    /// Its patches and what is known of its masks, if it has one.
    pub mask: Option<Layout>,
    /// Where it is declared.
    pub span: Span,
}

impl Encoder {
    /// How a picture is prepared for it.
    pub fn preprocess(&self) -> Result<Preprocess, DataError> {
        Preprocess::build(&self.view, Frame::fixed(self.size).of(self.channels))
    }
}

/// A branch whose weights come from elsewhere.
#[derive(Clone, Debug)]
pub struct Frozen {
    /// The branch.
    pub branch: String,
    /// Where its weights are.
    pub weights: Weights,
    /// The name of the branch there.
    pub theirs: String,
    /// How pixels were normalised for them, as far as a file of weights tells it.
    pub norm: Option<KnownNorm>,
    /// Where it is declared.
    pub span: Span,
}

/// Something that starts with weights from a file.
#[derive(Clone, Debug)]
pub struct Started {
    /// A branch, a stage, or a part of one: what the paths of its weights begin with.
    pub path: String,
    /// The call of `weights`.
    pub config: Config,
    /// How pixels were normalised for them, as far as that is known.
    pub norm: Option<KnownNorm>,
    /// Where it is declared.
    pub span: Span,
}

/// Where the weights of a frozen branch are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Weights {
    /// In this file.
    File(PathBuf),
    /// In a checkpoint of this recipe, once it has been trained.
    Recipe(PathBuf),
}

/// One branch, for reports.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Its name: the first part of its parameters' paths.
    pub name: String,
    /// The names of its stages.
    pub stages: Vec<String>,
    /// How it is derived, if it is no branch of its own.
    pub derived: Option<Derivation>,
    /// Where it is declared.
    pub span: Span,
}

/// How a branch is derived, and from what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Derivation {
    /// It follows that branch by a moving average of the weights.
    Ema(String),
    /// It has a copy of that branch's weights, taken now and then.
    Snapshot(String),
    /// It has the weights of that branch and passes no gradient on.
    StopGradient(String),
    /// It has weights from that file, or of that branch of another recipe, which nothing changes.
    Frozen(String),
}

impl Derivation {
    /// The branch whose weights its own follow.
    pub fn follows(&self) -> Option<&str> {
        match self {
            Self::Ema(of) | Self::Snapshot(of) => Some(of),
            Self::StopGradient(_) | Self::Frozen(_) => None,
        }
    }
}

/// The loss: named scalar terms and their sum.
#[derive(Clone, Debug, Default)]
pub struct Loss {
    /// The terms in order.
    pub terms: Vec<Term>,
    /// Their sum; `None` for a recipe without a loss.
    pub total: Option<NodeId>,
}

/// A named scalar of the training graph.
#[derive(Clone, Debug)]
pub struct Term {
    /// Its name.
    pub name: String,
    /// Its value.
    pub node: NodeId,
    /// Where it is written.
    pub span: Span,
}

/// How a recipe is trained.
#[derive(Clone, Debug)]
pub struct Train {
    /// Passes over the data set.
    pub epochs: f64,
    /// Samples a step.
    pub batch: usize,
    /// From which everything random is derived.
    pub seed: u64,
    /// The optimizers: one for all parameters, or several that share them out by their `on`.
    pub optimizers: Vec<Config>,
    /// Rules for groups of parameters (`rule(...)`), later ones win.
    pub rules: Vec<Config>,
    /// Gradient clipping (`clip_norm(...)`, `clip_each(...)`).
    pub clip: Option<Config>,
    /// Whether the views of one size pass a branch as one batch.
    pub together: bool,
    /// How its programs are compiled.
    pub wishes: Wishes,
    /// Whether an update is left out where something is not finite, instead of stopping.
    pub skips: bool,
    /// Epochs between checkpoints.
    pub checkpoint: f64,
    /// How many checkpoints are kept.
    pub keep: usize,
    /// By what the best one is kept, too.
    pub best: Option<Best>,
}

/// By what the best checkpoint is kept.
#[derive(Clone, Debug)]
pub struct Best {
    /// The measure, as metrics call it: `knn`, `flowers.knn`.
    pub measure: String,
    /// Whether more of it is better.
    pub more: bool,
    /// Where it is written.
    pub span: Option<Span>,
}

/// Another data set that features are judged on.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Its name.
    pub name: String,
    /// The data set.
    pub data: Config,
}

/// What is judged, and how.
#[derive(Clone, Debug)]
pub struct Evaluate {
    /// The judged features as their own graph, with running statistics instead of batch statistics.
    pub encoder: Option<Encoder>,
    /// The probes at the end (`knn(...)`, `linear(...)`, `finetune(...)`).
    pub probes: Vec<Config>,
    /// Other data sets that are judged, besides the one that is trained on.
    pub judged: Vec<Judged>,
    /// The towers of those probes that compare pictures with texts, with the place of each among the probes.
    pub pairs: Vec<(usize, Pair)>,
    /// How a picture is prepared to be judged, as far as the recipe says it.
    pub view: Vec<Config>,
    /// Epochs between looks at the features while training.
    pub every: f64,
    /// Samples of the train split used as the bank of a probe; all when larger than the split.
    pub train_samples: usize,
    /// Samples of the test split that are judged; all when larger than the split.
    pub test_samples: usize,
}

/// From an image (input `image`) to its features; parameters and states are found by name.
#[derive(Clone, Debug)]
pub struct Encoder {
    /// Its path in the recipe: `f.encoder`.
    pub path: String,
    /// Computes the features of a batch of images.
    pub graph: Graph,
    /// The input image's size.
    pub size: (usize, usize),
    /// Its channels.
    pub channels: usize,
    /// How a picture becomes that image; the last step normalises.
    pub view: Vec<Config>,
    /// The features, `[N, D]`.
    pub features: NodeId,
    /// The same graph in its training form with its features, for a probe that trains the encoder: batch statistics, and
    /// each weight trained by itself, whatever branch it may follow in the recipe.
    pub tuned: Option<(Graph, NodeId)>,
    /// The module of another package that is the same, if there is one.
    pub peer: Option<Peer>,
    /// How its programs are compiled.
    pub wishes: Wishes,
}

/// An encoder of pictures and one of texts, whose features are compared.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The encoder of pictures.
    pub pictures: Encoder,
    /// The path of what embeds texts.
    pub path: String,
    /// The column of texts.
    pub column: String,
    /// Computes the features of a batch of texts, its only input.
    pub graph: Graph,
    /// These features, `[N, D]`.
    pub features: NodeId,
}

impl Evaluate {
    /// The encoder's graph, and beside it all weights and states that any probe asks for.
    pub fn weights(&self) -> Option<Graph> {
        let mut all = self.encoder.as_ref()?.graph.clone();
        for graph in self.pairs.iter().flat_map(|(_, pair)| [&pair.pictures.graph, &pair.graph]) {
            for parameter in &graph.params {
                if all.find_parameter(&parameter.name).is_none() {
                    all.params.push(Parameter { ema: None, ..parameter.clone() });
                }
            }
            for state in &graph.states {
                if all.states.iter().all(|known| known.name != state.name) {
                    all.states.push(state.clone());
                }
            }
        }
        Some(all)
    }
}

/// A condition that is watched while training.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The condition as written.
    pub text: String,
    /// True (1) or false (0), in the training graph.
    pub node: NodeId,
    /// Where it is written.
    pub span: Span,
}
