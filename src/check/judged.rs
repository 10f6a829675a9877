//! What is judged: the features as a graph of their own, and how a picture is prepared for it.

use super::checker::{Checked, Checker};
use super::recipe::{Encoder, Evaluate};
use super::value::Value;
use crate::catalog::{Arg, Config};
use crate::compile::Wishes;
use crate::data::augment::{Augmentation, PixelNorm, augmentation, center_crop, resize};
use crate::data::{Frame, Pipeline};
use crate::diag::{Code, Diagnostic, Severity};
use crate::eval::FINETUNE;
use crate::graph::{Dim, Graph, InputKind, NodeId, Shape, TensorType};
use crate::nn::{Mode, Peer};
use crate::source::Span;

/// A stage or tap that is judged: its path, and where that is said.
pub(super) struct Judged<'a> {
    pub branch: usize,
    pub path: Vec<&'a str>,
    pub span: Span,
}

impl<'a> Checker<'a> {
    /// The features to be judged as a graph of their own, from an `image`; nothing for a recipe without a branch.
    pub(super) fn encoder(&mut self, on: Option<&(String, Span)>, evaluate: &Evaluate) -> Checked<Option<Encoder>> {
        let Some((path, span)) = self.judged_path(on) else { return Ok(None) };
        let tuned = evaluate.probes.iter().any(|p| p.is(&FINETUNE));
        self.encoder_at(path, span, evaluate, tuned).map(Some)
    }

    /// The features at a path, also to be trained on if they are to be `tuned`.
    pub(super) fn encoder_at(
        &mut self,
        path: String,
        span: Span,
        evaluate: &Evaluate,
        tuned: bool,
    ) -> Checked<Encoder> {
        let judged = self.judged(&path, span)?;
        let (view, size) = self.preparation(judged.branch, evaluate, span)?;
        let (graph, features) = self.form(Mode::Eval, &judged, size)?;
        self.is_of_pictures(&graph, span)?;
        self.is_of_the_sample(&graph, features, span);
        self.has_the_trained_weights(&graph, &path, span)?;
        let peer = self.judged_peer(&judged);
        let tuned = tuned.then(|| self.form(Mode::Train, &judged, size)).transpose()?;
        let channels = self.views.frame().channels;
        let wishes = Wishes::default();
        Ok(Encoder { path, graph, size, channels, view, features, tuned, peer, wishes })
    }

    /// The branch and what is behind it that a path names.
    pub(super) fn judged<'p>(&mut self, path: &'p str, span: Span) -> Checked<Judged<'p>> {
        let mut parts = path.split('.');
        let name = parts.next().unwrap_or_default();
        let Some(branch) = self.branches.find(name) else {
            let message = format!("there is no branch `{name}` to judge");
            let names = self.definitions.branches.iter().map(|b| b.name.text.as_str());
            let help = crate::diag::suggest(name, names);
            return Err(self.report(Diagnostic::error(Code::UNKNOWN_NAME, span, message).maybe_help(help)));
        };
        Ok(Judged { branch, path: parts.collect(), span })
    }

    /// What is judged is computed from a picture alone.
    fn is_of_pictures(&mut self, graph: &Graph, span: Span) -> Checked<()> {
        let Some((_, input)) = graph.columns().next() else { return Ok(()) };
        let message = format!("what is judged must be computed from the picture alone, but reads `{}`", input.name);
        let help = "judge another stage or branch by `evaluate { on: .. }`";
        Err(self.report(Diagnostic::error(Code::UNSUPPORTED, span, message).help(help)))
    }

    /// The module of another package that is the same as the stage that is judged; none where only a tap of it is.
    fn judged_peer(&mut self, judged: &Judged) -> Option<Peer> {
        let [stage] = judged.path[..] else { return None };
        let stage = self.branches.stage(judged.branch, stage)?;
        // Only what takes the picture itself can be built alone.
        let module = (stage == 0).then(|| self.stage_of(judged.branch, stage).ok()).flatten()?;
        Self::peer_of(&module)
    }

    /// What the recipe says is judged, or else the first stage of the first of its branches that is shown a view.
    fn judged_path(&self, on: Option<&(String, Span)>) -> Option<(String, Span)> {
        if let Some((path, span)) = on {
            return Some((path.clone(), *span));
        }
        if self.views.all.is_empty() && self.graph.columns().next().is_some() {
            // Of columns alone, nothing looks at a picture.
            return None;
        }
        let own = |branch: &usize| self.branches.all[*branch].derived.is_none();
        let mut shown = (0..self.branches.all.len()).filter(|b| own(b) && self.branches.applied_to.contains_key(b));
        let branch = shown.next().or_else(|| self.branches.first_own())?;
        (!self.branches.stages(branch).is_empty()).then_some(())?;
        Some((self.branches.path(branch, 0), self.definitions.span?))
    }

    /// The features in a form of their own: evaluated, or to be trained on by a probe; see [`Encoder::tuned`].
    fn form(&mut self, mode: Mode, judged: &Judged, size: (usize, usize)) -> Checked<(Graph, NodeId)> {
        self.apart(mode, |inner| features(inner, judged, size))
    }

    /// What `work` computes, as a graph of its own.
    pub(super) fn apart(
        &mut self,
        mode: Mode,
        work: impl FnOnce(&mut Checker) -> Checked<NodeId>,
    ) -> Checked<(Graph, NodeId)> {
        let mut inner = self.beside(self.definitions, mode);
        inner.branches.apart = mode == Mode::Train;
        inner.views.facts = self.views.facts.clone();
        inner.views.largest = self.views.largest;
        let result = work(&mut inner);
        self.used.append(&mut inner.used);
        // A fault of the encoder itself has been reported with the loss.
        if self.diagnostics.iter().all(|d| d.severity < Severity::Error) {
            self.diagnostics.append(&mut inner.diagnostics);
        }
        (self.spent, self.failures) = (inner.spent, inner.failures);
        result.map(|features| (inner.graph, features))
    }

    /// How a picture is prepared, and the size it then has.
    fn preparation(
        &mut self,
        branch: usize,
        evaluate: &Evaluate,
        span: Span,
    ) -> Checked<(Vec<Config>, (usize, usize))> {
        let seen = self.branches.applied_to.get(&branch).cloned().unwrap_or_default();
        let largest = seen.iter().map(|&v| self.views.all[v].size).max();
        let mut samples = self.views.frame();
        let mut steps = evaluate.view.clone();
        if steps.is_empty() {
            let (height, width) = largest.unwrap_or(samples.size);
            match height == width {
                true => steps = [&resize::WORD, &center_crop::WORD].map(|word| sized(word, height, span)).to_vec(),
                // No word has two sides: a picture is fitted to them.
                false => samples = Frame { size: (height, width), same: false, ..samples },
            }
        }
        for step in &steps {
            if augmentation(step).is_none_or(|word| word.random) {
                let message = format!("`{}` cannot prepare pictures for evaluation: it is random", step.name());
                let help = "use steps that draw nothing at random, such as `resize`, `center_crop` and `pixel_norm`";
                return Err(self.report(Diagnostic::error(Code::INVALID_VALUE, step.span, message).help(help)));
            }
        }
        if steps.last().is_none_or(|last| PixelNorm::from_config(last).is_err()) {
            let norm = self.norm_for(&seen, largest, span)?;
            steps.extend(norm.map(|norm| norm.to_config(Some(span))));
        }
        match Pipeline::build(&steps, samples) {
            Ok(pipeline) => Ok((steps, pipeline.output_size())),
            Err(error) => {
                let at = error.span.unwrap_or(span);
                Err(self.report(Diagnostic::error(Code::INVALID_VALUE, at, error.reason).maybe_help(error.help)))
            }
        }
    }

    /// How the largest views of a branch are normalised, or the data set where it sees none.
    fn norm_for(&mut self, seen: &[usize], largest: Option<(usize, usize)>, span: Span) -> Checked<Option<PixelNorm>> {
        let large = seen.iter().filter(|&&view| Some(self.views.all[view].size) == largest);
        let mut norms = large.map(|&view| self.views.norm_of(view));
        let Some(first) = norms.next() else { return Ok(self.views.norm()) };
        if norms.all(|norm| norm == first) {
            return Ok(first);
        }
        let message = "the views of the judged branch are normalised in different ways: it is not clear which of them holds for evaluation";
        let help = "choose one, as in `evaluate { view: resize(32) | center_crop(32) | pixel_norm([..], [..]) }`";
        Err(self.report(Diagnostic::error(Code::UNSUPPORTED, span, message).help(help)))
    }

    /// Warns where the features of a picture depend on which others are judged with it, or on draws.
    pub(super) fn is_of_the_sample(&mut self, graph: &Graph, features: NodeId, span: Span) {
        if let Some(node) = graph.mixing(features).map(|id| graph.node(id)) {
            let message = format!("what is judged depends on the other samples of its batch, through `{}`", node.kind);
            let warning = Diagnostic::warning(Code::BATCH_DEPENDENT, node.span.unwrap_or(span), message);
            self.report(warning.help(
                "features are computed in batches of any samples: judge a stage before it by `evaluate { on: .. }`, or use running \
                 statistics, as `batchnorm` does",
            ));
        }
        if let Some(node) = graph.drawing(features).map(|id| graph.node(id)) {
            let message = format!("what is judged is random: it is computed by `{}`", node.kind);
            let warning = Diagnostic::warning(Code::RANDOM_FEATURES, node.span.unwrap_or(span), message);
            self.report(
                warning.help(
                    "every picture gets the same random numbers each time it is judged; `dropout` is off when features are judged",
                ),
            );
        }
    }

    /// The weights of what is judged must be there after training, in the same shapes.
    pub(super) fn has_the_trained_weights(&mut self, graph: &Graph, path: &str, span: Span) -> Checked<()> {
        if self.failures > 0 {
            // What failed may be what would have computed it.
            return Ok(());
        }
        for judged in &graph.params {
            let trained = self.graph.params.iter().find(|p| p.name == judged.name);
            let (message, help) = match trained {
                Some(trained) if trained.shape == judged.shape => continue,
                Some(trained) => (
                    format!(
                        "`{}` is {} for pictures as they are judged, but {} where it is trained",
                        judged.name,
                        Shape::of(&judged.shape),
                        Shape::of(&trained.shape)
                    ),
                    "the branch is not trained on whole pictures; judge another one by `evaluate { on: .. }`",
                ),
                None => (
                    format!("`{path}` is judged, but no step of the training computes it"),
                    "use it in the loss, or judge another stage by `evaluate { on: .. }`",
                ),
            };
            return Err(self.report(Diagnostic::error(Code::UNSUPPORTED, span, message).help(help)));
        }
        Ok(())
    }
}

/// The features of a branch for the input `image`; a feature map is averaged over its pixels.
fn features(checker: &mut Checker, judged: &Judged, size: (usize, usize)) -> Checked<NodeId> {
    let span = judged.span;
    checker.prepare_branches();
    let shape =
        Shape(vec![Dim::batch(), Dim::from(size.0), Dim::from(size.1), Dim::from(checker.views.frame().channels)]);
    let image = checker.graph.input("image", TensorType::float(shape), InputKind::Given);
    let mut value = checker.apply_branch(judged.branch, &Value::Tensor(image), None, span)?;
    for name in &judged.path {
        value = checker.part_of(&value, name, span)?;
    }
    let node = checker.tensor(&value, span)?;
    let shape = checker.graph.shape(node).clone();
    if shape.0.first() != Some(&Dim::batch()) || shape.rank() < 2 {
        let message = format!("what is judged must have a row of features for each sample [N, ..], this is {shape}");
        return checker.error(Code::SHAPE_MISMATCH, span, message);
    }
    let axes: Vec<usize> = (1..shape.rank() - 1).collect();
    if axes.is_empty() { Ok(node) } else { checker.built(span, |g| g.mean(node, &axes, false)) }
}

/// A call of a word with one size.
fn sized(word: &'static Augmentation, size: usize, span: Span) -> Config {
    Config { entry: &word.entry, args: vec![("size".to_owned(), Arg::Number(size as f64))], span: Some(span) }
}
