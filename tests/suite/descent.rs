//! The optimizer's part of training: several optimizers, phases, clipping and decay against PyTorch (`tests/reference/descent.py`),
//! and that conditions are watched.

use crate::fixtures::{Fixture, assert_close};
use sslrun::check::{self, Options, Outcome, Recipe};
use sslrun::data::Batch;
use sslrun::diag;
use sslrun::driver::{Checked, loss_of};
use sslrun::exec::EngineKind;
use sslrun::source::{Source, Sources};
use sslrun::train::{Clock, Learner};

const RECIPE: &str = "views { a: resize(2) }
    let rows(x) = reshape(x, [N, 12])
    branch f { first: rows | linear(8) | tanh; second: linear(4) }
    loss { size: mean((f(a) - 1) ^ 2); early: during(0..2) * mean(abs(f(a))) }
    train {
      batch: 6
      optimizer: [
        adamw(lr: linear(0.02 -> 0.01), weight_decay: cosine(0.04 -> 0.4)),
        sgd(lr: 0.1, momentum: 0.9, weight_decay: 0.01, on: f.second),
      ]
      rules: rule(f.second, frozen: 1..3)
      clip: CLIP(0.5)
    }";

fn outcome(text: &str) -> (Outcome, Sources) {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, text));
    (check::check(&mut sources, id, &Options::default()), sources)
}

fn recipe(text: &str) -> Recipe {
    let (outcome, sources) = outcome(text);
    outcome.recipe.unwrap_or_else(|| panic!("{}", diag::render(&outcome.diagnostics, &sources)))
}

/// Codes and messages of the complaints.
fn complaints(text: &str) -> Vec<(&'static str, String)> {
    outcome(text).0.diagnostics.into_iter().map(|d| (d.code.name, d.message)).collect()
}

fn values(learner: &Learner, name: &str) -> Vec<f32> {
    learner.store.named(name).unwrap_or_else(|| panic!("no {name}")).values.to_vec()
}

const NAMES: [(&str, &str); 4] = [
    ("first.weight", "f.first.1.weight"),
    ("first.bias", "f.first.1.bias"),
    ("second.weight", "f.second.weight"),
    ("second.bias", "f.second.bias"),
];

#[test]
fn two_optimizers_phases_clipping_and_decay_agree_with_pytorch() {
    let fixture = Fixture::load("descent");
    for (case, engine) in [("each", EngineKind::Planned), ("norm", EngineKind::Planned), ("each", EngineKind::Candle)] {
        let recipe = recipe(&RECIPE.replace("CLIP", &format!("clip_{case}")));
        let mut learner = Learner::new(&recipe, engine, Clock { steps: 6, per_epoch: 1 }).expect("a learner");
        for (theirs, ours) in NAMES {
            let start = &fixture.get(&format!("init/{theirs}")).values;
            learner.store.named_mut(ours).expect("a parameter").copy_from_slice(start);
        }
        for (step, x) in fixture.get("x").values.chunks_exact(72).enumerate() {
            let batch =
                Batch { views: vec![x.to_vec()], labels: vec![None; 6], index: (0..6).collect(), ..Batch::default() };
            let losses = learner.step(step, &batch).expect("a finite step");
            let want = f64::from(fixture.get(&format!("{case}/{step}/loss")).values[0]);
            assert!((losses.total - want).abs() < 1e-5 * want, "{case} {step}: {} {want}", losses.total);
            for (theirs, ours) in NAMES {
                let want = &fixture.get(&format!("{case}/{step}/{theirs}")).values;
                assert_close(&format!("{case} {step} {theirs}"), &values(&learner, ours), want, 2e-5);
            }
        }
    }
}

#[test]
fn each_parameter_has_one_optimizer() {
    let with = |optimizer: &str| {
        complaints(&format!(
            "views {{ a }}\nbranch f {{ e: global_avgpool() | linear(3); h: linear(2) }}\nloss {{ t: mean(f(a) ^ 2) }}\n\
             train {{ optimizer: {optimizer} }}"
        ))
    };
    assert_eq!(with("[adamw(1e-3), sgd(0.1, on: f.h)]"), []);
    assert_eq!(with("[adamw(1e-3, on: [bias, f.h]), sgd(0.1)]"), []);
    let one = |code, message: &str| vec![(code, message.to_owned())];
    let gap = with("[adamw(1e-3, on: f.e), sgd(0.1, on: bias)]");
    assert_eq!(gap[1], ("invalid-value", "two optimizers update `f.e.1.bias`".to_owned()));
    assert_eq!(gap[0], ("invalid-value", "no optimizer updates `f.h.weight`, which the loss trains".to_owned()));
    assert_eq!(with("[adamw(1e-3), sgd(0.1)]"), one("invalid-value", "two optimizers update `f.e.1.weight`"));
    let nothing = with("[adamw(1e-3), sgd(0.1, on: f.g)]");
    assert_eq!(nothing, one("unknown-name", "no trained parameter matches the `on` of this optimizer"));
}

#[test]
fn conditions_on_tensors_are_joined_element_by_element() {
    let text = "views { a: resize(2) }
        branch f { e: global_avgpool() | linear(4) }
        let z = f(a)
        loss { size: mean(z ^ 2); other: mean(abs(z)) }
        train { batch: 8 }
        expect {
          loss.size > 0 and loss.other > 0
          loss.size < 0 or not (loss.other < 0)
          loss.size < 0 and loss.other > 0
          not (loss.size < 0 or loss.other > 0)
          true and loss.size > 0
          sum(where(z > 0 and not (z <= 0), 1, 0)) == sum(where(z > 0 or z > 1, 1, 0))
          effective_rank(z) > 1.01
          effective_rank(z) > 4.01
        }";
    let recipe = recipe(text);
    let pixels: Vec<f32> = (0..8 * 12).map(|i| ((i * 37 % 101) as f32) / 50.0 - 1.0).collect();
    let batch = Batch { views: vec![pixels], labels: vec![None; 8], index: (0..8).collect(), ..Batch::default() };
    for engine in [EngineKind::Planned, EngineKind::Candle] {
        let mut learner = Learner::new(&recipe, engine, Clock { steps: 1, per_epoch: 1 }).expect("a learner");
        let losses = learner.step(0, &batch).expect("a finite step");
        assert_eq!(losses.expectations, [true, true, false, false, true, true, true, false]);
    }
    let body = &text[..text.find("expect").expect("a block")];
    let wrong = complaints(&format!("{body} expect {{ z > 0\n loss.size and true\n loss.sizes > 0 }}"));
    let codes: Vec<&str> = wrong.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, ["wrong-type", "wrong-type", "unknown-name"], "{wrong:?}");
}

#[test]
fn effective_rank_in_a_recipe_is_that_of_the_evaluation() {
    for (rows, columns) in [(40, 6), (5, 12)] {
        let values: Vec<f32> = (0..rows * columns).map(|i| ((i * i + 3 * i) % 89) as f32 / 30.0 - 1.3).collect();
        let recipe = recipe(&format!("input z: [N, {columns}]\nloss {{ rank: effective_rank(z) }}"));
        let tensor =
            candle_core::Tensor::from_slice(&values, (rows, columns), &candle_core::Device::Cpu).expect("a tensor");
        let given = [("z".to_owned(), tensor)].into();
        let checked = Checked { sources: Sources::default(), recipe: Some(recipe), diagnostics: Vec::new() };
        let got = loss_of(&checked, &given, false, EngineKind::Planned).expect("a loss").total;
        let want = sslrun::eval::effective_rank(&values, columns);
        assert!((f64::from(got) - want).abs() < 2e-3 * want, "{rows} x {columns}: {got} {want}");
    }
}
