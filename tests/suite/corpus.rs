//! Every recipe of the corpus through every stage: both engines train it alike, and it is in canonical layout.

use sslrun::check::{self, Options, Recipe, View};
use sslrun::compile::Program;
use sslrun::data::{Mask, mask::MaskRows};
use sslrun::exec::{Engine, EngineKind, Feed, Store, engine};
use sslrun::graph::{Input, InputKind};
use sslrun::random::Rng;
use sslrun::source::{FileId, Sources};
use sslrun::syntax;
use std::path::{Path, PathBuf};

const BATCH: usize = 6;
/// Samples of the data set, for tables with a row for each.
const SAMPLES: i64 = 400;
const STEPS: usize = 2;

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let mut all: Vec<PathBuf> =
        entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "ssl")).collect();
    all.sort();
    all
}

fn recipe(path: &Path) -> Recipe {
    let mut sources = Sources::default();
    let id = sources.read(path).unwrap();
    let options = Options { sets: vec![format!("train.batch={BATCH}")], data: None };
    check::check(&mut sources, id, &options).recipe.unwrap_or_else(|| panic!("{} has errors", path.display()))
}

fn size(name: &str) -> Option<i64> {
    match name {
        "N" => Some(BATCH as i64),
        "samples" => Some(SAMPLES),
        _ => None,
    }
}

/// A recipe under training by plain gradient descent in f64.
struct Trainee {
    program: Program,
    memory: Store<f64>,
    engine: Box<dyn Engine<f64>>,
}

impl Trainee {
    fn new(recipe: &Recipe, kind: EngineKind) -> Self {
        let terms: Vec<_> = recipe.loss.terms.iter().map(|t| t.node).collect();
        let program =
            Program::training(recipe.graph.clone(), &terms, recipe.loss.total.unwrap(), &[], recipe.train.wishes)
                .unwrap();
        let memory = Store::new(&program.graph, &size, 1).unwrap();
        let engine = engine(kind, &program, &size).unwrap();
        Self { program, memory, engine }
    }

    /// One step; returns the terms.
    fn step(&mut self, step: usize, views: &[(String, Vec<f32>)]) -> Vec<f64> {
        let scalars = self.program.graph.scalars.iter().map(|s| s.schedule.at(step, STEPS, STEPS)).collect();
        let inputs = views.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
        self.engine
            .run(&mut self.memory, &Feed { inputs, scalars, step: step as u64, seed: 1, ..Feed::default() })
            .unwrap();
        for (i, (id, _)) in self.program.grads.iter().enumerate() {
            let grad = self.engine.gradient(i);
            let id = self.memory.param(*id);
            self.memory.get_mut(id).iter_mut().zip(grad).for_each(|(p, g)| *p -= 1e-3 * g);
        }
        (0..self.program.outputs.len()).map(|i| self.engine.output(i)[0]).collect()
    }

    fn gradients(&self) -> Vec<(String, Vec<f64>)> {
        let name = |id: sslrun::graph::ParamId| self.program.graph.params[id.index()].name.clone();
        self.program
            .grads
            .iter()
            .enumerate()
            .map(|(i, (id, _))| (name(*id), self.engine.gradient(i).to_vec()))
            .collect()
    }
}

/// Asserts that two rows of numbers are alike relative to the larger of their norm and `floor`.
fn alike(what: &str, a: &[f64], b: &[f64], floor: f64) {
    assert_eq!(a.len(), b.len(), "{what}");
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    let error = norm(&mut a.iter().zip(b).map(|(x, y)| x - y)) / norm(&mut b.iter().copied()).max(floor);
    assert!(error < 1e-7, "{what}: relative error {error:e}");
}

/// Random pixels, masks as they are drawn, and the numbers of samples, for every input of a recipe.
fn inputs(recipe: &Recipe, rng: &mut Rng) -> Vec<(String, Vec<f32>)> {
    let masks: Vec<MaskRows> = recipe.views.iter().map(|view| masks(view, rng)).collect();
    let values = |input: &Input, rng: &mut Rng| match input.kind {
        InputKind::Mask(view, part) => masks[view].part(part).unwrap().to_vec(),
        InputKind::Column { below: Some(below), .. } => {
            let count: usize = input.ty.shape.concrete(&size).unwrap().iter().product();
            (0..count).map(|i| (rng.below(below) * usize::from(i % 5 > 0)) as f32).collect()
        }
        InputKind::Label | InputKind::Index | InputKind::Rows => (0..BATCH).map(|i| i as f32).collect(),
        _ => {
            let count: usize = input.ty.shape.concrete(&size).unwrap().iter().product();
            (0..count).map(|_| rng.normal() as f32).collect()
        }
    };
    recipe.graph.inputs.iter().map(|input| (input.name.clone(), values(input, rng))).collect()
}

/// The masks of one view, none where it has none.
fn masks(view: &View, rng: &mut Rng) -> MaskRows {
    let mut rows = MaskRows::default();
    if let (Some(layout), Some(step)) = (&view.mask, view.steps.last()) {
        let mask = Mask::build(step).unwrap();
        (0..BATCH).for_each(|_| rows.push(&mask.draw(layout, rng), layout));
    }
    rows
}

#[test]
fn both_engines_train_every_recipe_alike() {
    for path in files("recipes") {
        trains_alike(&path.file_stem().unwrap().to_string_lossy(), &recipe(&path));
    }
}

/// Trains a recipe some steps by both engines, and holds losses, gradients and what lives between steps to each other.
pub fn trains_alike(name: &str, recipe: &Recipe) {
    let mut planned = Trainee::new(recipe, EngineKind::Planned);
    let mut candle = Trainee::new(recipe, EngineKind::Candle);
    let mut rng = Rng::new(&[7]);
    for step in 0..STEPS {
        let views = inputs(recipe, &mut rng);
        alike(&format!("{name}, step {step}"), &planned.step(step, &views), &candle.step(step, &views), 1e-9);
        let pairs = planned.gradients().into_iter().zip(candle.gradients());
        for ((param, a), (_, b)) in pairs {
            // Biases before a batch norm have a gradient of rounding alone.
            alike(&format!("{name}, step {step}, gradient of {param}"), &a, &b, 1e-6);
        }
    }
    for (a, b) in planned.memory.iter().zip(candle.memory.iter()) {
        alike(&format!("{name}, {}", a.name), a.values, b.values, 1e-6);
    }
}

#[test]
fn recipes_and_library_are_in_canonical_layout() {
    for path in files("recipes").into_iter().chain(files("grammar/std")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let (file, diagnostics) = syntax::parse(FileId::ALONE, &text);
        assert!(diagnostics.is_empty(), "{}", path.display());
        assert_eq!(syntax::format(&file, &text), text, "run `sslrun fmt {}`", path.display());
    }
}
