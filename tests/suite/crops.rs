//! Recipes of many views: crops of several sizes, masked ones among them, through one encoder.

use crate::corpus::trains_alike;
use sslrun::check::{self, Options, Recipe};
use sslrun::diag;
use sslrun::graph::InputKind;
use sslrun::source::{Source, Sources};

/// A recipe that must check without a word.
fn recipe(text: &str) -> Recipe {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, text));
    let outcome = check::check(&mut sources, id, &Options::default());
    assert!(outcome.diagnostics.is_empty(), "{}", diag::render(&outcome.diagnostics, &sources));
    outcome.recipe.expect("a recipe without errors")
}

/// Clusters of prototypes, from crops of two sizes (`ENCODER` and `VIEWS` are filled in).
const CLUSTERS: &str = "
data shapes(size: 16)
views { global[2]: multicrop(); local[3]: multicrop(scale: 0.1..0.4, size: 8) }
branch f { encoder: ENCODER; projector: mlp(8, 8); prototypes: linear(6, bias: false) }
let code(v) = stopgrad(sinkhorn(f(v) / 0.05, iterations: 3))
loss {
  swap: mean(cross_entropy(code(v), f(u) / 0.1) for v in global, u in views if u != v)
  all: 0.001 * mean(concat(f(v).projector for v in views) ^ 2)
  near: 0.001 * mean(mse(f(u), f(v)) for u, v in pairs(global))
  local: 0.001 * mean(mse(f(u), f(global[0])) for u in local[0..2])
}
train { batch: 6; views: VIEWS }
";

/// A student of masked and small crops, a teacher of whole ones; a head shared by the class token and the patches.
const MASKED_STUDENT: &str = "
data shapes(size: 16)
views {
  global[2]: multicrop()
  local[2]: multicrop(scale: 0.1..0.4, size: 8)
  masked[2]: global | mask(blockwise, ratio: 0.1..0.5, chance: 0.5)
}
branch student {
  encoder: vit(dim: 8, depth: 1, heads: 2, patch: 4, masked: replace)
  head: linear(6) on encoder.cls
  patch_head: student.head on encoder.patches
}
branch teacher = ema(student, decay: 0.99)
state center = ema(of: mean(concat(teacher(v).head for v in global), dim: 0), decay: 0.9)
state patch_center = ema(of: mean(concat(teacher(v).patch_head for v in global), dim: [0, 1]), decay: 0.9)
let target(v) = softmax((teacher(v).head - center) / 0.4)
let patch_target(v) = softmax((teacher(v).patch_head - patch_center) / 0.4)
loss {
  crops: mean(cross_entropy(target(v), student(u).head) for v in global, u in masked if u != v)
  small: mean(cross_entropy(target(v), student(u).head) for v in global, u in local)
  tokens: mean(masked_mean(cross_entropy(patch_target(v), student(u).patch_head), u.mask, per: sample)
    for u in masked, v in global if u == v)
}
train { batch: 6; views: VIEWS }
";

/// Hidden pixels from visible ones.
const PIXELS: &str = "
data shapes(size: 16)
views { a: crop(0.2..1) | flip(); m: a | mask(random, ratio: 0.75) }
branch f {
  encoder: vit(dim: 8, depth: 1, heads: 2, patch: 4, masked: drop)
  decoder: vit_decoder(dim: 8, depth: 1, heads: 2, patch: 4) on encoder.tokens
}
loss { pixels: masked_mean((f(m) - patches(a, normalize: true)) ^ 2, m.mask) }
train { batch: 6 }
";

/// Tokens of targets from those of a context.
const TARGETS: &str = "
data shapes(size: 16)
views { a: crop(0.3..1); m: a | mask(multiblock(targets: 2)) }
branch context {
  encoder: vit(dim: 8, depth: 1, heads: 2, patch: 4, cls: false, positions: sincos2d, masked: drop)
  predictor: vit_predictor(dim: 8, depth: 1, heads: 2) on encoder.patches
}
branch target = ema(context, decay: linear(0.996 -> 1))
let goals = concat(take(target(a).encoder.patches, t) for t in m.targets, dim: 1)
loss { predict: smooth_l1(context(m).predictor, goals) }
train { batch: 6 }
";

#[test]
fn both_engines_train_crops_of_several_sizes_alike() {
    let encoders = ["resnet18(stem: small, width: 4)", "small_convnet(width: 2)"];
    for (encoder, views) in encoders.into_iter().zip(["together", "apart"]) {
        trains_alike(encoder, &recipe(&CLUSTERS.replace("ENCODER", encoder).replace("VIEWS", views)));
    }
}

#[test]
fn both_engines_train_masked_views_alike() {
    for views in ["together", "apart"] {
        trains_alike("a masked student", &recipe(&MASKED_STUDENT.replace("VIEWS", views)));
    }
    trains_alike("pixels", &recipe(PIXELS));
    trains_alike("targets", &recipe(TARGETS));
}

#[test]
fn views_of_one_size_masked_alike_pass_as_one_batch() {
    let recipe = recipe(&MASKED_STUDENT.replace("VIEWS", "together"));
    let joined = |kind: fn(&InputKind) -> bool| {
        let is = |id: &sslrun::graph::NodeId| {
            let input = recipe.graph.node(*id).input();
            input.is_some_and(|input| kind(&recipe.graph.inputs[input.index()].kind))
        };
        let concats = recipe.graph.nodes().filter(|(_, n)| n.kind.to_string() == "concat" && n.inputs.iter().all(is));
        concats.map(|(_, n)| n.inputs.len()).collect::<Vec<_>>()
    };
    // The whole crops of the teacher are those of the masked student: one node. The small ones are another.
    assert_eq!(joined(|kind| matches!(kind, InputKind::View(_))), [2, 2]);
    assert_eq!(joined(|kind| matches!(kind, InputKind::Mask(..))), [2]);
}

#[test]
fn features_are_judged_in_the_size_of_the_largest_crop() {
    let recipe = recipe(&CLUSTERS.replace("ENCODER", "small_convnet(width: 2)").replace("VIEWS", "together"));
    assert_eq!(recipe.evaluate.encoder.expect("an encoder").size, (16, 16));
}
