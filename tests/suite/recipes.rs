//! The recipes against the official code of their methods: one step of each, its networks made small, weights by formula.

use std::path::{Path, PathBuf};

use crate::fixtures::{Fixture, Tensor, assert_close, filled};
use serde::Deserialize;
use sslrun::check::{self, Options, Recipe, View};
use sslrun::compile::Program;
use sslrun::data::mask::MaskRows;
use sslrun::data::{Batch, Drawn};
use sslrun::diag;
use sslrun::exec::EngineKind;
use sslrun::source::{Source, Sources};
use sslrun::train::{Clock, Learner};

/// Samples of the data set, for tables with a row for each.
const SAMPLES: usize = 12;
const CLOCK: Clock = Clock { steps: 40, per_epoch: 4 };

/// What a case replaces in its recipe.
#[derive(Deserialize)]
struct Config {
    items: String,
    sets: Vec<String>,
    samples: usize,
}

/// One recipe of the corpus beside its reference.
struct Case<'a> {
    fixture: &'a Fixture,
    name: &'a str,
    samples: usize,
    recipe: Recipe,
}

impl<'a> Case<'a> {
    fn new(fixture: &'a Fixture, name: &'a str) -> Self {
        let config: Config = serde_json::from_str(&fixture.cases[name]).expect("a configuration");
        let text = format!("extends \"{name}.ssl\"\n{}\n", config.items);
        let mut sources = Sources::default();
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/case.ssl");
        let id = sources.add(Source::new("case.ssl", sslrun::source::Origin::File(place), text.as_str()));
        let sets = [config.sets, vec![format!("train.batch={}", config.samples)]].concat();
        let outcome = check::check(&mut sources, id, &Options { sets, data: None });
        let said = diag::render(&outcome.diagnostics, &sources);
        let recipe = outcome.recipe.unwrap_or_else(|| panic!("{name}:\n{text}\n{said}"));
        Self { fixture, name, samples: config.samples, recipe }
    }

    fn find(&self, key: &str) -> Option<&'a Tensor> {
        self.fixture.find(&format!("{}/{key}", self.name))
    }

    /// The images of a view; nothing for one that only masks another.
    fn images(&self, (number, view): (usize, &View)) -> Vec<f32> {
        if view.shows != number {
            return Vec::new();
        }
        let shape = [self.samples, view.size.0, view.size.1, 3];
        filled(&format!("{}/{}", self.name, view.name), &shape).into_iter().map(|x| 10.0 * x).collect()
    }

    fn masks(&self, view: &View) -> MaskRows {
        let mut rows = MaskRows::default();
        let Some(layout) = &view.mask else { return rows };
        let hides = self.find(&format!("hides.{}", view.name)).expect("the mask of a masked view");
        let target = |i| self.find(&format!("target.{}.{i}", view.name)).expect("each target");
        for sample in 0..self.samples {
            let targets = (0..layout.targets).map(|i| row(target(i), sample).iter().map(|&t| t as usize).collect());
            let hidden = row(hides, sample).iter().map(|&h| h > 0.0).collect();
            rows.push(&Drawn { hidden, targets: targets.collect() }, layout);
        }
        rows
    }

    fn batch(&self) -> Batch {
        let labels = self.find("labels").map(|l| l.values.iter().map(|&l| Some(l as u32)).collect());
        Batch {
            views: self.recipe.views.iter().enumerate().map(|view| self.images(view)).collect(),
            masks: self.recipe.views.iter().map(|view| self.masks(view)).collect(),
            labels: labels.unwrap_or_else(|| vec![None; self.samples]),
            index: (0..self.samples).collect(),
            columns: self.columns(),
        }
    }

    /// The columns that the recipe reads, as the script has them.
    fn columns(&self) -> Vec<Vec<f32>> {
        let values = |name: &str| self.find(&format!("column.{name}")).expect("each column").values.clone();
        let read = self.recipe.graph.columns().map(|(_, input)| values(input.name.trim_start_matches("batch.")));
        read.collect()
    }

    /// The learner before its first step, with everything in it as the script has it.
    fn learner(&self) -> Learner {
        let mut learner = Learner::of_samples(&self.recipe, EngineKind::Planned, CLOCK, SAMPLES).expect("a learner");
        let tensors: Vec<(String, Vec<usize>)> =
            learner.variables().map(|buffer| (buffer.name.to_owned(), buffer.shape.to_vec())).collect();
        for (name, shape) in tensors.into_iter().filter(|(_, shape)| !shape.is_empty()) {
            let given = self.find(&format!("state.{name}")).map(|t| t.values.clone());
            let values = given.unwrap_or_else(|| filled(&name, &shape));
            learner.store.named_mut(&name).expect("it is there").copy_from_slice(&values);
        }
        learner
    }

    /// The names of the parameters whose gradients a step computes, in its order.
    fn trained(&self) -> Vec<String> {
        let terms: Vec<_> = self.recipe.loss.terms.iter().map(|t| t.node).collect();
        let total = self.recipe.loss.total.expect("a loss");
        let program = Program::training(self.recipe.graph.clone(), &terms, total, &[], self.recipe.train.wishes)
            .expect("a gradient");
        program.grads.iter().map(|(id, _)| self.recipe.graph.params[id.index()].name.clone()).collect()
    }

    /// One step: terms, gradients, and what the states have become.
    fn check(&self) {
        let mut learner = self.learner();
        let losses = learner.step(0, &self.batch()).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let terms: Vec<&str> = self.recipe.loss.terms.iter().map(|t| t.name.as_str()).collect();
        let wanted = self.under("loss.");
        assert_eq!(terms.len(), wanted.len(), "{}: {terms:?}", self.name);
        for (term, want) in wanted {
            let place = terms.iter().position(|t| *t == term).unwrap_or_else(|| panic!("{}: no {term}", self.name));
            assert_close(&format!("{}, {term}", self.name), &[losses.terms[place] as f32], &want.values, 1e-5);
        }
        let trained = self.trained();
        let mut wanted = self.under("grad.");
        for (i, name) in trained.iter().enumerate().filter(|(_, name)| !name.contains("blocks.")) {
            let place = wanted.iter().position(|(key, _)| key == name);
            let (_, want) = wanted.remove(place.unwrap_or_else(|| panic!("{}: {name} has a gradient", self.name)));
            close_gradient(&format!("{} by {name}", self.name), learner.engine().gradient(i), &want.values);
        }
        assert!(wanted.is_empty(), "{}: no gradient by {wanted:?}", self.name);
        for (state, want) in self.under("after.") {
            let got = learner.store.named(&state).unwrap_or_else(|| panic!("{}: no {state}", self.name)).values;
            assert_close(&format!("{}, {state} after the step", self.name), got, &want.values, 1e-5);
        }
    }

    fn under(&self, part: &str) -> Vec<(String, &'a Tensor)> {
        let prefix = format!("{}/{part}", self.name);
        let keys: Vec<String> = self.fixture.under(&prefix).map(|(key, _)| key.to_owned()).collect();
        let tensor = |key: &str| self.fixture.get(&format!("{prefix}{key}"));
        keys.into_iter().map(|key| (key.clone(), tensor(&key))).collect()
    }
}

fn row(tensor: &Tensor, sample: usize) -> &[f32] {
    let width = tensor.values.len() / tensor.shape[0];
    &tensor.values[sample * width..(sample + 1) * width]
}

/// A bias before a batch norm has a gradient of rounding alone.
fn close_gradient(name: &str, got: &[f32], want: &[f32]) {
    if want.iter().all(|w| w.abs() < 1e-7) {
        assert!(got.iter().all(|g| g.abs() < 1e-4), "{name}: {got:?} instead of nothing");
    } else {
        assert_close(name, got, want, 2e-4);
    }
}

#[test]
fn recipes_agree_with_the_official_code() {
    let fixture = Fixture::load("recipes");
    for name in fixture.cases.keys() {
        Case::new(&fixture, name).check();
    }
}

#[test]
fn every_recipe_but_hybrids_and_the_tokenizer_has_a_reference() {
    let fixture = Fixture::load("recipes");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
    let files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("the recipes").map(|e| e.expect("a file").path()).collect();
    let names = files.iter().filter_map(|path| path.file_stem()?.to_str());
    let missing: Vec<&str> =
        names.filter(|n| !n.starts_with("hybrid_") && *n != "dvae" && !fixture.cases.contains_key(*n)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
