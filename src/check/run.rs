//! The check as a whole: read, override, evaluate every item, gather the recipe.

use super::checker::{Checked, Checker};
use super::definitions::Definitions;
use super::recipe::{Encoder, Evaluate, Loss, Recipe, Train};
use super::scope::{Env, Home};
use super::unused;
use super::value::Value;
use super::{library, load, optimizers, overrides};
use crate::catalog::{Config, Kind};
use crate::data;
use crate::diag::{Code, Diagnostic, Severity};
use crate::graph::{Dim, Graph, InputKind, NodeId, Shape, TensorType};
use crate::nn::Mode;
use crate::source::{FileId, Sources, Span};

/// What the command line says besides the recipe.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Overrides, each `PATH=VALUE`.
    pub sets: Vec<String>,
    /// The data set instead of the recipe's, as `data::parse_spec` reads it.
    pub data: Option<Config>,
}

/// A checked recipe, if it has no error, and everything there is to say about it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The recipe; `None` if there is an error among the diagnostics.
    pub recipe: Option<Recipe>,
    /// Errors and warnings in order of their places.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks the recipe in the file `root`.
pub fn check(sources: &mut Sources, root: FileId, options: &Options) -> Outcome {
    let mut diagnostics = Vec::new();
    let library = library::library(sources, &mut diagnostics);
    let mut definitions = load::load(sources, root, &mut diagnostics);
    for text in &options.sets {
        if let Err(diagnostic) = overrides::apply(sources, &mut definitions, text) {
            diagnostics.push(diagnostic);
        }
    }
    let mut chain = vec![load::canonical(sources.get(root).path.as_deref())];
    load::imports(sources, &mut definitions, &mut chain, &mut diagnostics);
    diagnostics.extend(definitions.clashes());
    // What is missing because of a slip would only be complained of again.
    let recipe = if failed(&diagnostics) {
        None
    } else {
        let pass = Pass { sources, definitions: &definitions, library: &library, options, root };
        let (recipe, found) = pass.run();
        diagnostics.extend(found);
        recipe
    };
    let recipe = recipe.filter(|_| !failed(&diagnostics));
    diagnostics.sort_by_key(|d| d.span().map(|s| (s.file != root, s.file, s.start, s.end)));
    Outcome { recipe, diagnostics }
}

fn failed(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| d.severity == Severity::Error)
}

/// One evaluation of all definitions.
struct Pass<'a> {
    sources: &'a Sources,
    definitions: &'a Definitions,
    library: &'a Definitions,
    options: &'a Options,
    root: FileId,
}

impl<'a> Pass<'a> {
    fn run(&self) -> (Option<Recipe>, Vec<Diagnostic>) {
        let mut checker = Checker::new(self.sources, self.definitions, self.library, Mode::Train);
        let data = self.data(&mut checker);
        let train = checker.train();
        let evaluate = checker.evaluate();
        let (Ok(data), Ok(train), Ok((evaluate, on))) = (data, train, evaluate) else {
            self.body(&mut checker);
            return (None, checker.diagnostics);
        };
        checker.batch = Some(train.batch);
        let (mut loss, mut expectations) = self.body(&mut checker);
        if !failed(&checker.diagnostics) {
            optimizers::report(&mut checker, &train, &loss);
        }
        if train.together && !failed(&checker.diagnostics) {
            // Only now is it known which views go through which branch.
            let mut second = Checker::new(self.sources, self.definitions, self.library, Mode::Train);
            second.branches.together = Some(std::mem::take(&mut checker.branches.applied_to));
            second.views.sample_size = checker.views.sample_size;
            second.batch = checker.batch;
            (loss, expectations) = self.body(&mut second);
            checker = second;
        }
        let encoder = self.encoder(&mut checker, on.as_ref(), &evaluate.probes);
        if !failed(&checker.diagnostics) {
            unused::report(&mut checker, self.root);
            if train.recompute {
                unused::report_recompute(&mut checker);
            }
        }
        let recipe = encoder.map(|encoder| {
            let evaluate = Evaluate { encoder, ..evaluate };
            let mut recipe = self.recipe(&mut checker, Parts { data, train, evaluate, loss, expectations });
            let (fast, again) = (recipe.train.fast_convolution, recipe.train.recompute);
            recipe.graphs_mut().for_each(|graph| (graph.fast_convolution, graph.recompute) = (fast, again));
            recipe
        });
        (recipe.ok(), checker.diagnostics)
    }

    /// Evaluates every item but the settings.
    fn body(&self, checker: &mut Checker<'a>) -> (Loss, Vec<super::recipe::Expectation>) {
        checker.prepare_branches();
        checker.prepare_views();
        for (name, _) in &self.definitions.inputs {
            // Inputs are declared even if nothing uses them: they are part of the recipe's signature.
            let _ = checker.global(Home::Recipe, &name.text, name.span);
        }
        if let (Some((name, _)), false) = (self.definitions.inputs.first(), self.definitions.views.is_empty()) {
            let message = format!("`{}` is given from outside, but the recipe has views", name.text);
            let diagnostic = Diagnostic::error(Code::UNSUPPORTED, name.span, message);
            checker.report(
                diagnostic.help("a recipe is trained on views, or it is a function of inputs for `sslrun loss`"),
            );
        }
        let loss = checker.loss();
        let expectations = checker.expectations();
        let wanted = loss.terms.iter().map(|t| t.node).chain(expectations.iter().map(|e| e.node));
        checker.tables_are_refreshed(&wanted.collect::<Vec<_>>());
        (loss, expectations)
    }

    fn data(&self, checker: &mut Checker<'a>) -> Checked<Config> {
        let config = match (&self.options.data, &self.definitions.data) {
            (Some(config), _) => config.clone(),
            (None, Some(written)) => checker.word(written, Kind::DataSet, &Env::new(Home::Recipe))?,
            (None, None) => data::defaults(&data::sets::SETS[0].entry),
        };
        checker.views.sample_size = data::sets::find(&config.name).map_or((32, 32), |set| (set.size)(&config));
        Ok(config)
    }

    fn recipe(&self, checker: &mut Checker<'a>, parts: Parts) -> Recipe {
        let (title, paper) = match &self.definitions.header {
            Some((title, paper)) => (title.value.clone(), paper.as_ref().map(|p| p.value.clone())),
            None => (self.file_stem(), None),
        };
        Recipe {
            title,
            paper,
            text: self.definitions.text(self.options.data.as_ref()),
            parts: self.definitions.parts(self.options.data.as_ref()),
            frozen: checker.frozen(),
            data: parts.data,
            views: std::mem::take(&mut checker.views.all),
            branches: checker.branches.summary(),
            embeddings: std::mem::take(&mut checker.branches.embeddings),
            graph: std::mem::take(&mut checker.graph),
            loss: parts.loss,
            train: parts.train,
            evaluate: parts.evaluate,
            expectations: parts.expectations,
        }
    }

    /// The recipe's file name without its ending, as a title.
    fn file_stem(&self) -> String {
        let source = self.sources.get(self.root);
        let stem = source.path.as_deref().and_then(|p| p.file_stem());
        stem.map_or_else(|| source.name.clone(), |s| s.to_string_lossy().into_owned())
    }

    /// The features to be judged as a graph of their own, from an `image`.
    fn encoder(
        &self,
        checker: &mut Checker<'a>,
        on: Option<&(String, Span)>,
        probes: &[Config],
    ) -> Checked<Option<Encoder>> {
        let path = match on {
            Some((path, span)) => (path.clone(), *span),
            None => match (checker.branches.first_own(), self.definitions.span) {
                (Some(branch), Some(span)) if !checker.branches.stages(branch).is_empty() => {
                    (checker.branches.path(branch, 0), span)
                }
                _ => return Ok(None),
            },
        };
        let (path, span) = path;
        let mut parts = path.split('.');
        let name = parts.next().unwrap_or_default();
        let Some(branch) = checker.branches.find(name) else {
            let message = format!("there is no branch `{name}` to judge");
            let help = crate::diag::suggest(name, self.definitions.branches.iter().map(|b| b.name.text.as_str()));
            return Err(checker.report(Diagnostic::error(Code::UNKNOWN_NAME, span, message).maybe_help(help)));
        };
        let size = self.encoder_size(checker, branch);
        let mut inner = Checker::new(self.sources, self.definitions, self.library, Mode::Eval);
        inner.views.sample_size = checker.views.sample_size;
        inner.views.largest = checker.views.largest;
        let parts: Vec<&str> = parts.collect();
        let result = features(&mut inner, branch, &parts, size, span);
        checker.used.append(&mut inner.used);
        // A fault of the encoder itself has been reported with the loss.
        if !failed(&checker.diagnostics) {
            checker.diagnostics.append(&mut inner.diagnostics);
        }
        let features = result?;
        let tuned =
            probes.iter().any(|p| p.name == "finetune").then(|| self.tuned(checker, branch, &parts, size, span));
        Ok(Some(Encoder { path, graph: inner.graph, size, features, tuned: tuned.transpose()? }))
    }

    /// The features in their training form; see [`Encoder::tuned`].
    fn tuned(
        &self,
        checker: &mut Checker<'a>,
        branch: usize,
        parts: &[&str],
        size: (usize, usize),
        span: Span,
    ) -> Checked<(Graph, NodeId)> {
        let mut inner = Checker::new(self.sources, self.definitions, self.library, Mode::Train);
        inner.views.sample_size = checker.views.sample_size;
        inner.views.largest = checker.views.largest;
        inner.branches.apart = true;
        let result = features(&mut inner, branch, parts, size, span);
        if !failed(&checker.diagnostics) {
            checker.diagnostics.append(&mut inner.diagnostics);
        }
        result.map(|features| (inner.graph, features))
    }

    /// The size of the largest view the branch sees.
    fn encoder_size(&self, checker: &Checker<'a>, branch: usize) -> (usize, usize) {
        let seen = checker.branches.applied_to.get(&branch);
        let sizes = seen.into_iter().flatten().map(|&v| checker.views.all[v].size);
        sizes.max().unwrap_or(checker.views.sample_size)
    }
}

struct Parts {
    data: Config,
    train: Train,
    evaluate: Evaluate,
    loss: Loss,
    expectations: Vec<super::recipe::Expectation>,
}

/// The features at `path` below a branch for the input `image`; a feature map is averaged over its pixels.
fn features(checker: &mut Checker, branch: usize, path: &[&str], size: (usize, usize), span: Span) -> Checked<NodeId> {
    checker.prepare_branches();
    let shape = Shape(vec![Dim::batch(), Dim::from(size.0), Dim::from(size.1), Dim::from(data::CHANNELS)]);
    let image = checker.graph.input("image", TensorType::float(shape), InputKind::Given);
    let applied = checker.apply_branch(branch, &Value::Tensor(image), None, span)?;
    let mut value = applied;
    for name in path {
        value = checker.part_of(&value, name, span)?;
    }
    let node = checker.tensor(&value, span)?;
    match checker.graph.shape(node).rank() {
        2 => Ok(node),
        rank if rank > 2 => {
            let axes: Vec<usize> = (1..rank - 1).collect();
            let mean = checker.graph.mean(node, &axes, false);
            checker.shaped(mean, span)
        }
        _ => checker.error(Code::SHAPE_MISMATCH, span, "what is judged must have a row of features for each sample"),
    }
}
