//! What lives between steps: queues that fill, tables over the data set, what is refreshed now and then.

use crate::heads::{batch, values};
use crate::train::{folder, recipe, recipe_file, run};
use sslrun::check::{self, Options};
use sslrun::data::{self, Access, Split, Splits};
use sslrun::driver::Request;
use sslrun::exec::EngineKind;
use sslrun::exec::PlannedEvaluator;
use sslrun::lint::{lint, mechanisms};
use sslrun::report::RunRecord;
use sslrun::source::{Source, Sources};
use sslrun::train::{Checkpoint, Clock, Event, Learner, Refresher, Setup, last_checkpoint, seconds_a_step};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const FRAME: &str = "
    views { a, b: crop(0.5..1) | resize(8) }
    branch f { encoder: conv2d(8, stride: 2) | batchnorm | relu | global_avgpool; head: mlp(16, 6) }
    train { epochs: 3; batch: 16; optimizer: sgd(lr: 0.2) }
    evaluate { probes: [knn()]; every: 100 }";

fn with(text: &str) -> String {
    format!("{FRAME}\n{text}")
}

fn learner(text: &str, samples: usize) -> Learner {
    let recipe = recipe(&with(text));
    Learner::of_samples(&recipe, EngineKind::Planned, Clock { steps: 12, per_epoch: 4 }, samples).expect("a learner")
}

#[test]
fn a_queue_is_full_once_its_first_value_has_gone() {
    let mut after = learner(
        "state bank = queue(of: stopgrad(f(b)), size: 40)
         state now = queue(of: stopgrad(f(b)), size: 40, update: before)
         loss { l: nt_xent(f(a), f(b)); full: 0 * mean(f(a)) + bank.full; now: 0 * mean(f(a)) + now.full + 0 * mean(now) }",
        64,
    );
    let batch = batch(16, 8, (0..16).collect());
    let full: Vec<[f64; 2]> = (0..5)
        .map(|step| {
            let losses = after.step(step, &batch).expect("a finite step");
            [losses.terms[1], losses.terms[2]].map(f64::round)
        })
        .collect();
    // 16, 32 and 48 rows have entered after the steps; a queue that is read after its update is full one step earlier.
    assert_eq!(full, [[0.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 1.0]]);
    assert_eq!(values(&after, "bank").len(), 240);
}

#[test]
fn an_average_may_move_before_it_is_read() {
    let mut learner = learner(
        "let mean_b = mean(stopgrad(f(b)), dim: 0)
         state after = ema(of: mean_b, decay: 0.75)
         state before = ema(of: mean_b, decay: 0.75, update: before)
         loss { l: nt_xent(f(a), f(b)); gap: sum((before - mean_b / 4) ^ 2) + sum(after ^ 2) + 0 * mean(f(a)) }",
        64,
    );
    let losses = learner.step(0, &batch(16, 8, (0..16).collect())).expect("a finite step");
    assert!(losses.terms[1].abs() < 1e-9, "{}", losses.terms[1]);
    assert_eq!(values(&learner, "after"), values(&learner, "before"));
}

#[test]
fn a_row_is_read_and_written_where_its_sample_is() {
    let text = "state memory = per_sample(of: stopgrad(f(b)), decay: 0.5, init: zeros)
         loss { l: nt_xent(f(a), f(b)); m: mean(sum(memory ^ 2, dim: 1)) + 0 * mean(f(a)) + 0 * mean(memory.all) }";
    let mut learner = learner(text, 50);
    let index: Vec<usize> = (0..16).map(|i| 3 * i + 1).collect();
    let here = batch(16, 8, index.clone());
    let first = learner.step(0, &here).expect("a finite step");
    assert_eq!(first.terms[1], 0.0, "the rows start as zeros");
    let table = values(&learner, "memory");
    assert_eq!(table.len(), 300);
    let written = |i: usize| table[i * 6..i * 6 + 6].iter().any(|&v| v != 0.0);
    assert!((0..50).all(|i| written(i) == index.contains(&i)));
    let second = learner.step(1, &here).expect("a finite step");
    let mean = index.iter().map(|i| table[i * 6..i * 6 + 6].iter().map(|v| v * v).sum::<f32>()).sum::<f32>() / 16.0;
    assert!((second.terms[1] - f64::from(mean)).abs() < 1e-6, "{} and {mean}", second.terms[1]);
    let elsewhere = batch(16, 8, (0..16).map(|i| 3 * i).collect());
    assert_eq!(learner.step(2, &elsewhere).expect("a finite step").terms[1], 0.0);
}

const LABELS: &str = "
    let scores(v) = f(v) * 3
    state label = refresh(of: argmax(sinkhorn(over_data(log_softmax(scores(a))), tolerance: 0.1), dim: 1), at: [0, 0.5, 1.25])
    loss { classes: mean(cross_entropy(label, scores(b))) }";

const CLUSTERS: &str = "
    state features = per_sample(of: normalize(stopgrad(f(a))))
    state centres = refresh(of: kmeans(features.all, 5), every: 1)
    state label = refresh(of: nearest(features.all, centres), every: 1)
    state seen = refresh(of: over_data(batch.label), every: 2)
    loss { clusters: mean(cross_entropy(label, normalize(f(b)) @ centres.T / 0.2)); right: 0 * mean(f(a)) + mean(abs(seen - batch.label)) }";

#[test]
fn a_table_may_be_refreshed_ever_more_rarely() {
    let text = "state s = refresh(of: mean(over_data(f(a)), dim: 0), times: 4)
        loss { l: nt_xent(f(a), f(b)); s: mean(s) + 0 * mean(f(a)) }";
    let folder = folder("refresh-rarely");
    let mut seen = Vec::new();
    let request = request(&folder, text, "run", EngineKind::Planned);
    let checked = request.check().expect("the recipe can be read");
    sslrun::driver::run(&request, &checked, &Default::default(), &mut |event| {
        if let Event::Step(step) = event {
            seen.push(step.terms[1].1);
        }
    })
    .expect("the run succeeds");
    // Of twelve steps, before those numbered 0, 0.75, 3 and 6.75 from 0.
    let changes: Vec<usize> = (1..seen.len()).filter(|&i| seen[i] != seen[i - 1]).collect();
    assert_eq!(changes, [1, 3, 7]);
}

const DATA: &str = "shapes:train=70,test=30,size=16";

fn request(folder: &Path, text: &str, out: &str, engine: EngineKind) -> Request {
    Request {
        recipe: Some(recipe_file(folder, &with(text))),
        data: Some(DATA.to_owned()),
        out: Some(folder.join(out)),
        engine: Some(engine),
        ..Request::default()
    }
}

/// The numbers of a tensor in the last checkpoint of a run.
fn saved(run: &Path, name: &str) -> Vec<f32> {
    let bytes = std::fs::read(last_checkpoint(run)).expect("a checkpoint");
    assert!(Checkpoint::read(&last_checkpoint(run)).is_ok());
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let data = tensors.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}")).data().to_vec();
    data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

#[test]
fn refreshes_are_heard_of_from_their_first_sample_to_their_last() {
    let folder = folder("refresh-events");
    let request = request(&folder, LABELS, "run", EngineKind::Planned);
    let checked = request.check().expect("the recipe can be read");
    let (mut passes, mut done) = (Vec::new(), Vec::new());
    sslrun::driver::run(&request, &checked, &Default::default(), &mut |event| match event {
        Event::Refreshing { step, states, samples, of } => {
            assert_eq!((&states[..], *of), (&["label".to_owned()][..], 70));
            passes.push((*step, *samples));
        }
        Event::Refreshed { step, states, seconds } => {
            assert!(states == &["label"] && *seconds > 0.0);
            done.push(*step);
        }
        _ => {}
    })
    .expect("the run succeeds");
    // Batches of sixteen, the last of them filled up; four steps an epoch.
    let pass = |step| [0, 16, 32, 48, 64, 70].map(|samples| (step, samples));
    assert_eq!(passes, [pass(0), pass(2), pass(5)].concat());
    assert_eq!(done, [0, 2, 5]);
}

#[test]
fn labels_over_the_data_set_are_refreshed_and_balanced() {
    let folder = folder("refresh-labels");
    let request = request(&folder, LABELS, "run", EngineKind::Planned);
    let (losses, report) = run(&request, usize::MAX);
    assert_eq!(losses.len(), 12);
    assert!(report.is_ok());
    let labels = saved(&folder.join("run"), "label");
    assert_eq!(labels.len(), 70, "one label for every sample, also for those that no epoch has shown yet");
    for class in 0..6 {
        let count = labels.iter().filter(|&&l| l == class as f32).count();
        // The balance is one of shares; whose share is the largest, of which labels are made, is so only about.
        assert!((1..=23).contains(&count), "class {class} has {count} of 70 samples");
    }
    // Between refreshes nothing changes: training until step 8 has the labels of step 5.
    let short = Request { sets: vec!["train.epochs=2".to_owned()], out: Some(folder.join("short")), ..request };
    assert!(run(&short, usize::MAX).1.is_ok());
    assert_eq!(saved(&folder.join("short"), "label"), labels);
}

#[test]
fn tables_go_on_to_the_bit_and_both_engines_agree() {
    let folder = folder("refresh-resume");
    for (name, text) in [("labels", LABELS), ("clusters", CLUSTERS)] {
        let out = |kind: &str| format!("{name}-{kind}");
        let (whole, report) = run(&request(&folder, text, &out("whole"), EngineKind::Planned), usize::MAX);
        assert!(report.is_ok());
        // Stopped right before a step at which something is refreshed.
        let (mut parts, report) = run(&request(&folder, text, &out("parts"), EngineKind::Planned), 4);
        assert!(report.is_ok());
        let again = Request { resume: Some(folder.join(out("parts"))), ..Request::default() };
        parts.extend(run(&again, usize::MAX).0);
        assert_eq!(whole, parts, "{name}");
        assert_eq!(saved(&folder.join(out("whole")), "label"), saved(&folder.join(out("parts")), "label"));
        let (candle, report) = run(&request(&folder, text, &out("candle"), EngineKind::Candle), usize::MAX);
        assert!(report.is_ok());
        for (a, b) in whole.iter().zip(&candle).take(4) {
            assert!((a - b).abs() < 1e-3 * a.abs().max(1.0), "{name}: {a} and {b}");
        }
        assert!(RunRecord::read(&folder.join(out("whole")).join("run.ron")).is_ok());
    }
    assert_eq!(saved(&folder.join("clusters-whole"), "centres").len(), 30);
}

#[test]
fn what_is_over_the_data_set_is_kept_in_a_state() {
    let said = |text: &str| {
        let mut sources = Sources::default();
        let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, with(text)));
        let outcome = check::check(&mut sources, id, &Options::default());
        let mut codes = outcome.diagnostics.iter().map(|d| format!("{}: {}", d.code.name, d.message));
        codes.next().unwrap_or_default()
    };
    let outside = said("loss { l: nt_xent(f(a), f(b)) + mean(over_data(f(a))) }");
    assert!(outside.starts_with("unsupported: a step sees one batch"), "{outside}");
    let twice = said("state s = refresh(of: over_data(f(a)), at: [1], times: 3)\nloss { l: mse(s, f(a)) }");
    assert!(twice.starts_with("invalid-value: a refresh has either `at` or `times`"), "{twice}");
    let batch = said("state s = refresh(of: mean(f(a), dim: 0))\nloss { l: nt_xent(f(a), f(b)) + mean(s * f(a)) }");
    assert!(batch.starts_with("wrong-type: what is refreshed depends on a single batch, through `a`"), "{batch}");
    let shape = said("state s = per_sample(of: stopgrad(mean(f(a), dim: 0)))\nloss { l: mse(s, f(a)) }");
    assert!(shape.starts_with("shape-mismatch: `per_sample` keeps a row for every sample"), "{shape}");
    let rows = said("state s = refresh(of: over_data(mean(f(a), dim: 0)))\nloss { l: mse(s, f(a)) }");
    assert!(rows.starts_with("shape-mismatch: `over_data` needs a row for each sample"), "{rows}");
}

#[test]
fn labels_of_samples_hold_against_collapse() {
    let names = |text: &str| -> Vec<String> {
        let recipe = recipe(&with(text));
        mechanisms(&recipe, &PlannedEvaluator).iter().map(|m| m.guard.to_string()).collect()
    };
    assert_eq!(names(LABELS), ["balanced assignment"]);
    assert!(lint(&recipe(&with(LABELS)), &PlannedEvaluator).is_empty());
    assert_eq!(names(CLUSTERS)[0], "labels of an earlier pass");
    let bank = "state bank = per_sample(of: stopgrad(normalize(f(b))))
        loss { l: mean(cross_entropy(batch.index, normalize(f(a)) @ bank.all.T / 0.1)) }";
    assert_eq!(names(bank), ["sample labels"]);
    // Rows of earlier steps alone do not: all may be the same.
    let rows =
        "state bank = per_sample(of: stopgrad(normalize(f(b))))\nloss { l: mean(-cosine_similarity(f(a), bank)) }";
    assert!(names(rows).is_empty());
    assert_eq!(lint(&recipe(&with(rows)), &PlannedEvaluator).len(), 1);
}

#[test]
fn a_snapshot_is_a_copy_that_is_renewed_now_and_then() {
    let mut learner = learner(
        "branch teacher = ema(f, decay: 0.5)
         branch early = snapshot(of: teacher, every: 0.5)
         loss { l: nt_xent(f(a), f(b)); gram: 0 * mean(f(a)) + mse(early(a), f(b)) + mse(teacher(a), f(b)) }",
        64,
    );
    let weight = |learner: &Learner, branch: &str| values(learner, &format!("{branch}.encoder.0.weight"));
    assert_eq!(weight(&learner, "early"), weight(&learner, "f"));
    let here = batch(16, 8, (0..16).collect());
    for step in 0..4 {
        let (early, teacher) = (weight(&learner, "early"), weight(&learner, "teacher"));
        learner.step(step, &here).expect("a finite step");
        // Every two steps of the four of an epoch, before the forward pass.
        let want = if step % 2 == 0 { teacher } else { early };
        assert_eq!(weight(&learner, "early"), want, "after step {step}");
        assert_ne!(weight(&learner, "early"), weight(&learner, "teacher"));
    }
    // The copy may be asked for before what it follows.
    let first = recipe(&with(
        "branch teacher = ema(f, decay: 0.5)
         branch early = snapshot(of: teacher, every: 0.5)
         loss { l: mse(early(a), f(b)) + nt_xent(f(a), f(b)) }",
    ));
    let ema = |name: &str| first.graph.params.iter().find(|p| p.name == name).and_then(|p| p.ema.clone());
    assert!(ema("teacher.encoder.0.weight").is_some_and(|e| e.every.is_none()));
    assert!(ema("early.encoder.0.weight").is_some_and(|e| e.every == Some(0.5)));
    assert!(lint(&first, &PlannedEvaluator).is_empty(), "{:?}", lint(&first, &PlannedEvaluator));
}

#[test]
fn the_pace_of_a_training_counts_its_refreshes() {
    let recipe = recipe(&with(CLUSTERS));
    let refresher = Refresher::new(&recipe, EngineKind::Planned).expect("something is refreshed");
    assert_eq!(refresher.share(Clock { steps: 12, per_epoch: 4 }), 0.25);
    // Seventy samples do not fill their batches: the last six have rows, too.
    let data = data::parse_spec(DATA).expect("a data set");
    let train: Arc<dyn data::DataSet> =
        Arc::from(data::open(&data, Split::Train, &Access::default()).expect("a split"));
    let splits = Splits { train: train.clone(), test: train };
    let setup = Setup { recipe: &recipe, data: splits, engine: EngineKind::Planned, threads: Some(1) };
    let (step, clock) = seconds_a_step(&setup, Duration::ZERO).expect("steps can be done");
    assert!(step > 0.0 && clock.per_epoch == 4, "{step} {clock:?}");
}
