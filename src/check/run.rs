//! The check as a whole: read, override, evaluate every item, gather the recipe.

use super::budget::{DEEP, SHALLOW, STACK, readable};
use super::checker::{Checked, Checker};
use super::definitions::Definitions;
use super::load::Loader;
use super::recipe::{Evaluate, Loss, Recipe, Started, Train};
use super::scope::{Env, Home};
use super::text::Settled;
use super::unused;
use super::{labels, library, optimizers, overrides, schedules, sizes};
use crate::catalog::{Config, Kind};
use crate::data;
use crate::diag::{Code, Diagnostic, Severity};
use crate::nn::Mode;
use crate::source::{FileId, Origin, Source, Sources, Span};
use crate::syntax;
use crate::threads;

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
    let thread = std::thread::Builder::new().stack_size(STACK);
    let done = threads::apart(thread, |own| check_here(sources, root, options, if own { DEEP } else { SHALLOW }));
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The data set that a text on the command line calls for, as it would be written in a recipe; paths are relative to the working
/// directory.
pub fn data_set(sources: &mut Sources, text: &str) -> Result<Config, Diagnostic> {
    let id = sources.add(Source::new("--data", Origin::Option, text));
    let expr = syntax::parse_expr(id, text)?;
    let nothing = Definitions::default();
    let mut checker = Checker::new(sources, &nothing, &nothing, Mode::Train, SHALLOW);
    let config = checker.word(&expr, Kind::DataSet, &Env::new(Home::Recipe));
    config.map_err(|_| {
        let whole = Span::new(id, 0..text.len());
        let first = std::mem::take(&mut checker.diagnostics).into_iter().next();
        first.unwrap_or_else(|| Diagnostic::error(Code::WRONG_TYPE, whole, "expected a data set"))
    })
}

fn check_here(sources: &mut Sources, root: FileId, options: &Options, most: usize) -> Outcome {
    let mut diagnostics = library::diagnostics().to_vec();
    let mut loader = Loader::new(sources, &mut diagnostics);
    let mut definitions = loader.load(root);
    for text in &options.sets {
        if let Err(diagnostic) = overrides::apply(loader.sources, &mut definitions, text) {
            loader.diagnostics.push(diagnostic);
        }
    }
    loader.imports(&mut definitions, root);
    diagnostics.extend(definitions.clashes());
    // What is missing because of a slip would only be complained of again.
    let recipe = if failed(&diagnostics) {
        None
    } else {
        let pass = Pass { sources, definitions: &definitions, library: library::definitions(), options, root, most };
        let (recipe, found) = pass.run();
        diagnostics.extend(found);
        recipe
    };
    let recipe = recipe.filter(|_| !failed(&diagnostics));
    if recipe.is_none() && !failed(&diagnostics) {
        let message = "the recipe cannot be used, and no message says why: this is a bug in sslrun";
        diagnostics.push(Diagnostic::error(Code::UNSUPPORTED, definitions.span, message));
    }
    diagnostics.sort_by_key(|d| d.span().map(|s| (s.file != root, s.file, s.start, s.end)));
    Outcome { recipe, diagnostics: readable(diagnostics) }
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
    /// How deep expressions may nest.
    most: usize,
}

impl<'a> Pass<'a> {
    fn run(&self) -> (Option<Recipe>, Vec<Diagnostic>) {
        let mut checker = Checker::new(self.sources, self.definitions, self.library, Mode::Train, self.most);
        checker.declare_branches();
        let data = self.data(&mut checker);
        let starts = checker.starts();
        checker.prepare_branches();
        checker.prepare_views();
        let mut train = checker.train();
        let evaluate = checker.evaluate();
        if let (Ok(train), Ok((evaluate, _))) = (&mut train, &evaluate) {
            // What is wrong with it has been told.
            let _ = checker.best(train, evaluate);
        }
        checker.batch = train.as_ref().ok().map(|train| train.batch);
        let (mut loss, mut expectations) = self.body(&mut checker);
        let (Ok(data), Ok(train), Ok((evaluate, on)), Ok(starts)) = (data, train, evaluate, starts) else {
            return (None, checker.diagnostics);
        };
        if !failed(&checker.diagnostics) {
            optimizers::report(&mut checker, &train, &loss);
        }
        if train.together && !failed(&checker.diagnostics) {
            // Only now is it known which views go through which branch.
            let mut second = checker.beside(self.definitions, Mode::Train);
            second.branches.together = Some(std::mem::take(&mut checker.branches.applied_to));
            second.views.facts = checker.views.facts.clone();
            second.batch = checker.batch;
            second.schedules = std::mem::take(&mut checker.schedules);
            second.prepare_branches();
            second.prepare_views();
            (loss, expectations) = self.body(&mut second);
            checker = second;
        }
        let encoder = checker.encoder(on.as_ref(), &evaluate);
        let pairs = checker.pairs(&evaluate);
        if !failed(&checker.diagnostics) {
            checker.starts_have_weights(&starts);
        }
        sizes::report(&mut checker);
        labels::report(&mut checker);
        if !failed(&checker.diagnostics) {
            unused::report(&mut checker, self.root);
            schedules::report(&mut checker, train.epochs);
            if train.wishes.recompute {
                unused::report_recompute(&mut checker);
            }
        }
        let recipe = encoder.and_then(|encoder| pairs.map(|pairs| (encoder, pairs))).map(|(encoder, pairs)| {
            let evaluate = Evaluate { encoder, pairs, ..evaluate };
            let mut recipe = self.recipe(&mut checker, Parts { data, train, evaluate, loss, expectations, starts });
            // What is added to the graphs from here on, such as gradients, is no longer for the recipe to answer for.
            recipe.graphs_mut().for_each(|graph| graph.room = None);
            let wishes = recipe.train.wishes;
            recipe.encoders_mut().for_each(|encoder| encoder.wishes = wishes);
            recipe
        });
        (recipe.ok(), checker.diagnostics)
    }

    /// Evaluates every item but the settings.
    fn body(&self, checker: &mut Checker<'a>) -> (Loss, Vec<super::recipe::Expectation>) {
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
            (Some(config), _) => Ok(config.clone()),
            (None, Some(written)) => checker.word(written, Kind::DataSet, &Env::new(Home::Recipe)),
            (None, None) => Ok(data::defaults(&data::sets::SETS[0].entry)),
        };
        let mut config = config?;
        let Some(set) = data::sets::of(&config) else { return Ok(config) };
        match (set.look)(&mut config) {
            Ok(facts) => checker.views.facts = Some(facts),
            Err(error) => {
                let diagnostic = Diagnostic::error(Code::INVALID_VALUE, config.span, error.reason);
                return Err(checker.report(diagnostic.maybe_help(error.help)));
            }
        }
        Ok(config)
    }

    fn recipe(&self, checker: &mut Checker<'a>, parts: Parts) -> Recipe {
        let (title, paper) = match &self.definitions.header {
            Some((title, paper)) => (title.value.clone(), paper.as_ref().map(|p| p.value.clone())),
            None => (self.file_stem(), None),
        };
        let view = parts.evaluate.encoder.as_ref().map(|encoder| encoder.view.as_slice());
        // A path must lead to the same file from wherever the text is read.
        let said = self.options.data.is_some() || data::has_path(&parts.data);
        let data = said.then_some(&parts.data);
        Recipe {
            title,
            paper,
            text: self
                .definitions
                .text(&Settled { data, view, starts: &parts.starts, judged: &parts.evaluate.judged }, ""),
            parts: self.definitions.parts(data, ""),
            frozen: checker.frozen(),
            starts: parts.starts,
            data: parts.data,
            frame: checker.views.frame(),
            norm: checker.views.norm(),
            views: std::mem::take(&mut checker.views.all),
            branches: checker.branches.summary(),
            embeddings: std::mem::take(&mut checker.branches.embeddings),
            graph: std::mem::take(&mut checker.graph),
            loss: parts.loss,
            train: parts.train,
            schedules: std::mem::take(&mut checker.schedules),
            evaluate: parts.evaluate,
            expectations: parts.expectations,
        }
    }

    /// The recipe's file name without its ending, as a title.
    fn file_stem(&self) -> String {
        let source = self.sources.get(self.root);
        let stem = source.path().and_then(|p| p.file_stem());
        stem.map_or_else(|| source.name.clone(), |s| s.to_string_lossy().into_owned())
    }
}

struct Parts {
    data: Config,
    train: Train,
    evaluate: Evaluate,
    loss: Loss,
    expectations: Vec<super::recipe::Expectation>,
    starts: Vec<Started>,
}
