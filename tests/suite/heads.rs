//! Heads: prototypes of unit length, weights that are normalised in use, and heads that several stages share.

use crate::train::recipe;
use sslrun::data::Batch;
use sslrun::exec::EngineKind;
use sslrun::exec::PlannedEvaluator;
use sslrun::lint::{lint, mechanisms};
use sslrun::train::{Clock, Learner};

/// A batch of two views that resemble noise.
pub fn batch(samples: usize, size: usize, index: Vec<usize>) -> Batch {
    let pixels =
        |seed: usize| (0..samples * size * size * 3).map(|i| ((i * 7 + seed * 13) % 97) as f32 / 50.0 - 1.0).collect();
    Batch { views: vec![pixels(1), pixels(2)], labels: vec![None; samples], index, ..Batch::default() }
}

/// The numbers of a parameter or state.
pub fn values(learner: &Learner, name: &str) -> Vec<f32> {
    learner.store.named(name).unwrap_or_else(|| panic!("no {name}")).values.to_vec()
}

const CLUSTERED: &str = "
    views { a, b: crop(0.5..1) | resize(8) }
    branch f { encoder: conv2d(8) | relu | global_avgpool; projector: mlp(16, 8); prototypes: prototypes(6) }
    let code(v) = sinkhorn(f(v), epsilon: 0.05)
    loss { swap: mean(cross_entropy(code(u), f(v) / 0.1) for u, v in pairs(a, b)) }
    train { batch: 16; optimizer: sgd(lr: 0.5) }";

#[test]
fn prototypes_start_every_step_with_length_one() {
    let recipe = recipe(CLUSTERED);
    let mut learner = Learner::new(&recipe, EngineKind::Planned, Clock { steps: 4, per_epoch: 2 }).expect("a learner");
    let weight = "f.prototypes.weight";
    let lengths = |learner: &Learner| -> Vec<f32> {
        values(learner, weight).chunks(8).map(|row| row.iter().map(|x| x * x).sum::<f32>().sqrt()).collect()
    };
    let one = |lengths: &[f32]| lengths.iter().all(|l| (l - 1.0).abs() < 1e-5);
    assert!(one(&lengths(&learner)), "{:?}", lengths(&learner));
    let batch = batch(16, 8, (0..16).collect());
    learner.step(0, &batch).expect("a finite step");
    let after = values(&learner, weight);
    assert!(!one(&lengths(&learner)), "the optimizer moves them off the sphere");
    // A second step of no length shows what it started from.
    let still = CLUSTERED.replace("lr: 0.5", "lr: 0");
    let mut other = Learner::new(&crate::train::recipe(&still), EngineKind::Planned, Clock { steps: 4, per_epoch: 2 })
        .expect("a learner");
    other.store.named_mut(weight).expect("the prototypes").copy_from_slice(&after);
    other.step(1, &batch).expect("a finite step");
    assert!(one(&lengths(&other)));
    let cosine = |(a, b): (&[f32], &[f32])| {
        let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(p, q)| p * q).sum::<f32>();
        dot(a, b) / dot(a, a).sqrt()
    };
    let kept = values(&other, weight);
    assert!(after.chunks(8).zip(kept.chunks(8)).all(|pair| cosine(pair) > 1.0 - 1e-5), "only their lengths change");
}

#[test]
fn a_balanced_assignment_holds_against_collapse() {
    let recipe = recipe(CLUSTERED);
    assert!(lint(&recipe, &PlannedEvaluator).is_empty(), "{:?}", lint(&recipe, &PlannedEvaluator));
    let names: Vec<String> = mechanisms(&recipe, &PlannedEvaluator).iter().map(|m| m.guard.to_string()).collect();
    assert_eq!(names, ["balanced assignment"]);
}

#[test]
fn a_shared_head_is_one_set_of_weights_also_in_an_average() {
    let recipe = recipe(
        "views { a, b: crop(0.5..1) | resize(8) }
         let tokens(x) = reshape(x, [N, 16, 8])
         branch student {
           encoder: conv2d(8, stride: 2) | relu | tokens
           head: dino_head(12, hidden: 10, bottleneck: 5) on mean(encoder, dim: 1)
           patch_head: student.head on encoder
         }
         branch teacher = ema(student, decay: 0.9)
         state center = ema(of: mean(teacher(b).head, dim: 0), decay: 0.9)
         loss {
           whole: mean(cross_entropy(softmax((teacher(b).head - center) / 0.04), student(a).head / 0.1))
           parts: mean(cross_entropy(softmax(teacher(a).patch_head / 0.04), student(a).patch_head / 0.1))
         }
         train { batch: 16; optimizer: sgd(lr: 0.5); rules: rule(on: \"student.head.2\", frozen: 1) }",
    );
    let names: Vec<&str> = recipe.graph.params.iter().map(|p| p.name.as_str()).collect();
    assert!(names.contains(&"student.head.2.weight_v") && names.contains(&"teacher.head.2.weight_v"), "{names:?}");
    assert!(names.iter().all(|n| !n.contains("patch_head") && !n.contains("weight_g")), "{names:?}");
    let mut learner = Learner::new(&recipe, EngineKind::Planned, Clock { steps: 4, per_epoch: 2 }).expect("a learner");
    let biases = values(&learner, "student.head.0.0.bias");
    assert!(biases.iter().all(|&b| b == 0.0), "biases start at 0: {biases:?}");
    let weights = values(&learner, "student.head.0.0.weight");
    assert!(weights.iter().all(|w| w.abs() <= 0.04) && weights.iter().any(|&w| w != 0.0));
    let last = values(&learner, "student.head.2.weight_v");
    learner.step(0, &batch(16, 8, (0..16).collect())).expect("a finite step");
    assert_eq!(last, values(&learner, "student.head.2.weight_v"), "a frozen part of a composition stays");
    let moved = values(&learner, "student.head.0.0.weight");
    assert_ne!(weights, moved);
    let want: Vec<f32> = weights.iter().zip(&moved).map(|(old, new)| 0.9 * old + 0.1 * new).collect();
    crate::fixtures::assert_close("the average", &values(&learner, "teacher.head.0.0.weight"), &want, 1e-5);
}

#[test]
fn a_queue_of_features_is_scored_by_the_prototypes_of_now() {
    let recipe = recipe(
        "views { a, b: crop(0.5..1) | resize(8) }
         branch f { encoder: conv2d(8) | relu | global_avgpool; projector: mlp(16, 8); prototypes: prototypes(6) }
         state bank = queue(of: stopgrad(f(a).projector), size: 32)
         let code(v) {
           let more = sinkhorn(concat(f.prototypes(bank), f(v)), epsilon: 0.05)
           where(bank.full, more[32..32 + N], sinkhorn(f(v), epsilon: 0.05))
         }
         loss { swap: mean(cross_entropy(code(u), f(v) / 0.1) for u, v in pairs(a, b)) }
         train { batch: 16; optimizer: sgd(lr: 0.5) }",
    );
    assert!(lint(&recipe, &PlannedEvaluator).is_empty(), "{:?}", lint(&recipe, &PlannedEvaluator));
    assert_eq!(
        mechanisms(&recipe, &PlannedEvaluator).iter().map(|m| m.guard.to_string()).collect::<Vec<_>>(),
        ["balanced assignment"]
    );
    let mut learner = Learner::new(&recipe, EngineKind::Planned, Clock { steps: 4, per_epoch: 2 }).expect("a learner");
    let batch = batch(16, 8, (0..16).collect());
    for step in 0..4 {
        assert!(learner.step(step, &batch).expect("a finite step").total.is_finite());
    }
}
