//! Training: steps against PyTorch, determinism, going on, stopping.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fixtures::{Fixture, assert_close};
use sslrun::check::{self, Recipe};
use sslrun::data::{self, Batch, Split, Splits};
use sslrun::diag;
use sslrun::driver::{self, Failure, Report, Request};
use sslrun::exec::EngineKind;
use sslrun::report::{Outcome, RunRecord};
use sslrun::source::{Source, Sources};
use sslrun::train::{Baselines, Clock, Control, Ending, Event, Learner, Setup, Start, TrainError, Training, Verdict};

/// Everything that lives between steps: parameters, their averages, running statistics, a queue, the optimizer's moments.
const TINY: &str = r#"recipe "Tiny"

views {
  a, b: crop(0.5..1) | flip
}

branch query {
  encoder: resnet18(stem: small, width: 4)
  head: linear(8)
}

branch key = ema(query, decay: cosine(0.9 -> 1), update: before)

let q = normalize(query(a))
let k = normalize(key(b))

state bank = queue(of: k, size: 40)

loss {
  contrast: info_nce_with_bank(q, k, bank, temperature: linear(0.5 -> 0.2))
  spread: hinge_variance(q)
}

train {
  epochs: 3
  batch: 16
  optimizer: [adamw(lr: cosine(0.01 -> 0, warmup: 1)), sgd(lr: 0.05, on: query.head)]
  clip: clip_norm(1)
}
"#;

const DATA: &str = "shapes:train=70,test=30,size=16";

/// An empty folder of its own for a test.
pub fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if path.exists() {
        std::fs::remove_dir_all(&path).expect("an old test folder can be removed");
    }
    std::fs::create_dir_all(&path).expect("a test folder can be made");
    path
}

/// A folder with a recipe in it.
pub fn recipe_file(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("tiny.ssl");
    std::fs::write(&path, text).expect("a recipe can be written");
    path
}

pub fn recipe(text: &str) -> Recipe {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, text));
    let outcome = check::check(&mut sources, id, &check::Options::default());
    outcome.recipe.unwrap_or_else(|| panic!("{}", diag::render(&outcome.diagnostics, &sources)))
}

/// Runs a request to its end, or until `stop_after` steps are done; the losses of the steps.
pub fn run(request: &Request, stop_after: usize) -> (Vec<f64>, Result<Report, Failure>) {
    let checked = request.check().expect("the recipe can be read");
    assert!(checked.recipe.is_some(), "{}", diag::render(&checked.diagnostics, &checked.sources));
    let (control, mut losses) = (Control::default(), Vec::new());
    let report = driver::run(request, &checked, &control, &mut |event| {
        if let Event::Step(step) = event {
            losses.push(step.loss);
            if step.step >= stop_after {
                control.stop();
            }
        }
    });
    (losses, report)
}

fn request(folder: &Path, text: &str, out: &str) -> Request {
    Request {
        recipe: Some(recipe_file(folder, text)),
        data: Some(DATA.to_owned()),
        out: Some(folder.join(out)),
        ..Request::default()
    }
}

#[test]
fn a_run_that_is_stopped_and_gone_on_with_is_the_same_to_the_bit() {
    let folder = folder("resume");
    // The run is stopped while one optimizer's parameters rest.
    let text = TINY.replace("  clip", "  rules: rule(query.head, frozen: 1..2)\n  clip");
    let (whole, report) = run(&request(&folder, &text, "whole"), usize::MAX);
    let report = report.expect("the run succeeds");
    assert_eq!((whole.len(), report.ending), (12, Ending::Finished));
    let (mut parts, report) = run(&request(&folder, &text, "parts"), 6);
    assert_eq!(report.expect("the run is stopped").ending, Ending::Interrupted);
    assert_eq!(parts.len(), 6);
    let again = Request { resume: Some(folder.join("parts")), ..Request::default() };
    let (rest, report) = run(&again, usize::MAX);
    let report = report.expect("the run goes on");
    parts.extend(rest);
    assert_eq!(whole, parts);
    let bytes =
        |run: &str| std::fs::read(folder.join(run).join("checkpoints/encoder.safetensors")).expect("an encoder");
    assert_eq!(bytes("whole"), bytes("parts"));
    let other = RunRecord::read(&folder.join("whole/run.ron")).expect("a record");
    assert_eq!((&report.record.trained, &report.record.raw), (&other.trained, &other.raw));
    assert_eq!(report.record.outcome, Outcome::Finished);
    assert_eq!(report.record.history.len(), other.history.len());
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let folder = folder("threads");
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let request = Request { threads: Some(threads), ..request(&folder, TINY, &format!("run-{threads}")) };
        pool.install(|| run(&request, 8).0)
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_names_its_term() {
    let folder = folder("diverged");
    let text = TINY.replace("spread: hinge_variance(q)", "spread: 0 * mean(log(relu(linear(1 -> -0.5)) * abs(q)))");
    let (losses, report) = run(&request(&folder, &text, "run"), usize::MAX);
    let message = report.err().expect("the run fails").to_string();
    assert_eq!(losses.len(), 8, "{losses:?}");
    assert!(message.starts_with("loss term `spread` is not finite: NaN at step"), "{message}");
    assert!(message.contains("tiny.ssl:21:3") && message.contains("the operation `log`"), "{message}");
    assert!(message.contains("last good checkpoint"), "{message}");
    let record = RunRecord::read(&folder.join("run/run.ron")).expect("a record");
    assert_eq!(record.outcome, Outcome::Diverged);
    assert!(folder.join("run/checkpoints/last.safetensors").exists());
}

#[test]
fn three_steps_agree_with_pytorch() {
    let fixture = Fixture::load("training");
    let recipe = recipe(
        "views { a, b: resize(2) }
         let rows(x) = reshape(x, [N, 12])
         branch f { net: rows | linear(16) | batchnorm() | relu | linear(8) }
         branch slow = ema(f, decay: 0.9)
         loss {
           invariance: 25 * mse(f(a), f(b)) + 0 * mean(slow(a))
           variance: 25 * (hinge_variance(f(a)) + hinge_variance(f(b))) / 2
           covariance: off_diagonal_covariance(f(a)) + off_diagonal_covariance(f(b))
         }
         train {
           batch: 10
           optimizer: sgd(lr: step(0.01, at: [1], factor: 0.5), momentum: 0.9, weight_decay: 1e-3)
           rules: rule(f, lr_factor: step(1, at: [2], factor: 0.4))
         }",
    );
    let mut learner = Learner::new(&recipe, EngineKind::Planned, Clock { steps: 3, per_epoch: 1 }).expect("a learner");
    let layers = [("linear1", "net.1"), ("norm", "net.2"), ("linear2", "net.4")];
    let name = |branch: &str, theirs: &str| {
        let (layer, tensor) = theirs.split_once('.').expect("a layer and a tensor");
        let ours = layers.iter().find(|(l, _)| *l == layer).expect("a known layer").1;
        format!("{branch}.{ours}.{tensor}")
    };
    for (theirs, tensor) in fixture.under("init/") {
        for branch in ["f", "slow"] {
            let mine = learner.store.named_mut(&name(branch, theirs));
            mine.unwrap_or_else(|| panic!("no {}", name(branch, theirs))).copy_from_slice(&tensor.values);
        }
    }
    let values = |learner: &Learner, name: &str| {
        learner.store.named(name).unwrap_or_else(|| panic!("no {name}")).values.to_vec()
    };
    for step in 1..=3 {
        let view = |v: &str| fixture.get(&format!("step{step}/{v}")).values.clone();
        let batch = Batch {
            views: vec![view("a"), view("b")],
            masks: Vec::new(),
            labels: vec![None; 10],
            index: (0..10).collect(),
            ..Batch::default()
        };
        let losses = learner.step(step - 1, &batch).expect("a finite step");
        let loss = fixture.get(&format!("step{step}/loss")).values[0];
        assert!((losses.total - f64::from(loss)).abs() < 1e-4 * f64::from(loss), "{} {loss}", losses.total);
        for (theirs, _) in fixture.under("init/") {
            let want = |key: &str| fixture.get(&format!("step{step}/{key}")).values.clone();
            assert_close(theirs, &values(&learner, &name("f", theirs)), &want(theirs), 1e-4);
            if !theirs.contains("running") {
                assert_close(theirs, &values(&learner, &name("slow", theirs)), &want(&format!("ema.{theirs}")), 1e-4);
            }
        }
    }
}

#[test]
fn frozen_parameters_stay_and_averages_that_move_before_the_step_follow_the_old_values() {
    let text = TINY.replace("clip: clip_norm(1)", "rules: rule(query.head, frozen: 100)").replace("warmup: 1", "");
    let recipe = recipe(&text.replace(", )", ")"));
    let mut learner = Learner::new(&recipe, EngineKind::Planned, Clock { steps: 4, per_epoch: 1 }).expect("a learner");
    let all = |learner: &Learner| -> HashMap<String, Vec<f32>> {
        learner.variables().map(|buffer| (buffer.name.to_owned(), buffer.values.to_vec())).collect()
    };
    let pixels = |seed: usize| (0..16 * 32 * 32 * 3).map(|i| ((i * 7 + seed * 13) % 97) as f32 / 50.0 - 1.0).collect();
    let batch = Batch {
        views: vec![pixels(1), pixels(2)],
        masks: Vec::new(),
        labels: vec![None; 16],
        index: (0..16).collect(),
        ..Batch::default()
    };
    let mut before = all(&learner);
    for step in 0..2 {
        learner.step(step, &batch).expect("a finite step");
        let after = all(&learner);
        assert_eq!(before["query.head.weight"], after["query.head.weight"]);
        assert_ne!(before["query.encoder.conv1.weight"], after["query.encoder.conv1.weight"]);
        assert_ne!(before["bank"], after["bank"]);
        let decay = recipe.graph.params.iter().find_map(|p| p.ema.as_ref()).expect("an average").decay.at(step, 4, 1);
        let [key, query] = ["key.encoder.conv1.weight", "query.encoder.conv1.weight"];
        let follow = |(k, q): (&f32, &f32)| decay as f32 * k + (1.0 - decay) as f32 * q;
        let want: Vec<f32> = before[key].iter().zip(&before[query]).map(follow).collect();
        assert_close(key, &after[key], &want, 1e-6);
        before = after;
    }
}

#[test]
fn things_fall_due_by_epochs() {
    let clock = Clock::new(2.5, 10);
    assert_eq!((clock.steps, clock.epochs(15)), (25, 1.5));
    let due = |every: f64| (1..=25).filter(|&s| clock.due(s, every)).collect::<Vec<_>>();
    assert_eq!((due(1.0), due(0.5)), (vec![10, 20], vec![5, 10, 15, 20, 25]));
    assert_eq!((due(0.0).len(), due(0.001).len(), due(100.0).len()), (0, 25, 0));
}

/// The verdict of a recipe without training, on the very samples that probes learn from.
pub fn verdict(text: &str, data: &str, control: &Control) -> Result<Verdict, TrainError> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, text));
    let data = data::parse_spec(data).expect("a data set");
    let options = check::Options { data: Some(data), ..check::Options::default() };
    let outcome = check::check(&mut sources, id, &options);
    let recipe = outcome.recipe.unwrap_or_else(|| panic!("{}", diag::render(&outcome.diagnostics, &sources)));
    let train: Arc<dyn data::DataSet> =
        Arc::from(data::open(&recipe.data, Split::Train, &data::Access::default()).expect("a split"));
    let splits = Splits { train: train.clone(), test: train };
    let setup = Setup { recipe: &recipe, data: splits, engine: EngineKind::Planned, threads: None };
    let (mut training, _) = Training::new(setup, Start::Anew).expect("a training");
    let before: Vec<Vec<f32>> = training.learner().store.iter().map(|buffer| buffer.values.to_vec()).collect();
    let verdict = training.verdict(&folder("verdict"), &Baselines::default(), control, &mut |_| ());
    for (buffer, before) in training.learner().store.iter().zip(before) {
        assert_eq!(buffer.values, before, "{} is changed by a probe", buffer.name);
    }
    verdict
}

const TUNED: &str = "views { a, b: crop(0.5..1) }
    branch f { encoder: conv2d(8, stride: 2) | batchnorm | relu | flatten() ; head: linear(4) }
    branch slow = ema(f, decay: 0.9)
    loss { align: mse(f(a), slow(b)) + hinge_variance(f(a)) }
    train { batch: 16 }
    evaluate { on: slow.encoder; probes: [knn(), finetune(epochs: 60, batch: 16, scale: 1, optimizer: adamw(lr: cosine(5e-3 -> 0))), linear()] }";

#[test]
fn fine_tuning_trains_a_copy_of_the_encoder_also_of_an_average() {
    let go = Control::default();
    let data = "shapes:train=64,test=10,size=16";
    let verdict = verdict(TUNED, data, &go).expect("nobody stops it");
    let names: Vec<&str> = verdict.trained.0.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["knn", "finetune", "linear", "effective_rank"]);
    // The classifier starts at chance: what is learnt is learnt by the probe.
    let get = |name: &str| verdict.trained.get(name).expect("a measure");
    assert!(get("finetune") > 0.95, "{:?}", verdict.trained);
    // Nothing is trained here, so that both differ by their running statistics alone.
    assert!(verdict.untrained.get("finetune").is_some_and(|x| x > 0.95), "{:?}", verdict.untrained);
    assert_eq!((verdict.raw.get("finetune"), verdict.raw.0.len()), (None, 3));
    let text = TUNED.replace("epochs: 60", "epochs: 1").replace("adamw(lr: cosine(5e-3 -> 0))", "sgd(lr: 1e30)");
    let broken = self::verdict(&text, data, &go).expect("nobody stops it");
    assert!(broken.trained.get("finetune").is_some_and(|x| x.is_nan() || x < 0.5), "{broken:?}");
    go.stop();
    assert_eq!(self::verdict(TUNED, "shapes:train=40,test=10,size=16", &go), Err(TrainError::Stopped));
}

#[test]
fn an_expectation_that_breaks_is_told_with_its_place_and_kept() {
    let folder = folder("expect");
    let text = format!("{TINY}\nexpect {{\n  loss.spread > 2 or not (loss.contrast < 100)\n  loss.spread < 1e9\n}}\n");
    let request = request(&folder, &text, "run");
    let request = Request { sets: vec!["train.epochs=0.5".to_owned()], ..request };
    let checked = request.check().expect("the recipe can be read");
    let mut told = Vec::new();
    let report = driver::run(&request, &checked, &Control::default(), &mut |event| {
        if let Event::Warning { message, .. } = event {
            told.push(message.clone());
        }
    });
    let line = "`loss.spread > 2 or not (loss.contrast < 100)` no longer holds at step 1";
    assert_eq!(report.expect("a run").record.warnings, [line]);
    assert!(told.len() == 1 && told[0].starts_with(line) && told[0].contains("tiny.ssl:32:"), "{told:?}");
}

#[test]
fn epochs_that_make_up_no_step_are_warned_of() {
    let folder = folder("no-step");
    for (epochs, warned) in [("0.05", true), ("0", false)] {
        let request = request(&folder, TINY, &format!("run-{epochs}"));
        let request = Request { sets: vec![format!("train.epochs={epochs}")], ..request };
        let warnings = run(&request, usize::MAX).1.expect("a run").record.warnings;
        assert_eq!(warnings.iter().any(|w| w.starts_with("nothing is trained")), warned, "{epochs}: {warnings:?}");
    }
}

#[test]
fn a_recipe_says_how_convolutions_are_computed() {
    // 16 channels on maps of 16 pixels: sizes that both ways can compute.
    let losses = |convolution: &str| {
        let text = TINY.replace("width: 4", "width: 16").replace("batch: 16", &format!("batch: 16\n  {convolution}"));
        run(&request(&folder(&format!("convolution-{}", convolution.len())), &text, "run"), 4).0
    };
    let [said, unsaid, exact] = ["convolution: fast", "", "convolution: exact"].map(losses);
    assert_eq!(said, unsaid, "fast is the default");
    let near = exact.iter().zip(&said).all(|(exact, said)| (exact - said).abs() < 1e-2 * exact.abs());
    assert!(exact != said && near, "{exact:?} and {said:?} differ by rounding alone");
}
