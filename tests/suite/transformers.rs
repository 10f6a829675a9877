//! Recipes with vision transformers: crops of several sizes, taps, masked views, and what is said where they do not fit.

use sslrun::check::{self, Options, Recipe};
use sslrun::compile::Program;
use sslrun::diag;
use sslrun::exec::PlannedEvaluator;
use sslrun::exec::{EngineKind, Feed, Store, engine};
use sslrun::graph::{Graph, Init, ParamKind};
use sslrun::lint::lint;
use sslrun::source::{Source, Sources};

use crate::cli::unwrapped;

/// A recipe of one encoder; what is said of it is rendered where it cannot be used.
fn checked(text: &str) -> Result<Recipe, String> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::File("test.ssl".into()), text));
    let outcome = check::check(&mut sources, id, &Options::default());
    match outcome.recipe {
        Some(recipe) if outcome.diagnostics.is_empty() => {
            let judged = lint(&recipe, &PlannedEvaluator);
            if judged.is_empty() { Ok(recipe) } else { Err(diag::render(&judged, &sources)) }
        }
        _ => Err(diag::render(&outcome.diagnostics, &sources)),
    }
}

fn recipe(text: &str) -> Recipe {
    checked(text).unwrap_or_else(|said| panic!("{said}"))
}

/// That a recipe is refused, saying all of that.
#[track_caller]
fn says(text: &str, all: &[&str]) {
    let words = unwrapped(&checked(text).err().unwrap_or_default());
    for part in all {
        assert!(words.contains(part), "`{part}` is not in:\n{words}");
    }
}

fn shape<'a>(graph: &'a Graph, name: &str) -> &'a [usize] {
    let id = graph.find_parameter(name).unwrap_or_else(|| panic!("no {name}"));
    &graph.params[id.index()].shape
}

const SMALL: &str = "dim: 16, depth: 3, heads: 2, patch: 4";

#[test]
fn positions_are_made_for_the_largest_view_whichever_is_seen_first() {
    let recipe = recipe(&format!(
        "views {{ local[2]: crop(0.1..0.4, size: 16); global[2]: crop() }}\n\
         branch f {{ encoder: vit({SMALL}); head: mlp(8, 8) }}\n\
         loss {{ t: mean(nt_xent(f(u), f(v)) for u in local, v in global) }}"
    ));
    assert_eq!(shape(&recipe.graph, "f.encoder.pos_embed"), [1, 65, 16]);
    let encoder = recipe.evaluate.encoder.unwrap();
    assert_eq!((encoder.size, shape(&encoder.graph, "f.encoder.pos_embed")), ((32, 32), [1, 65, 16].as_slice()));
    let (memory, size) = (|graph: &Graph| Store::<f32>::new(graph, &|_| Some(2), 0).unwrap(), |_: &str| Some(2));
    memory(&recipe.graph).bind(&encoder.graph).unwrap();
    let program = Program::forward(encoder.graph.clone(), vec![encoder.features]);
    let mut engine = engine::<f32>(EngineKind::Planned, &program, &size).unwrap();
    let image = vec![0.5; 2 * 32 * 32 * 3];
    let feed = Feed { inputs: vec![("image", &image)], ..Feed::default() };
    engine.run(&mut memory(&recipe.graph), &feed).unwrap();
    assert_eq!(engine.output_shape(0), [2, 16]);
}

#[test]
fn a_given_size_is_what_positions_are_made_for() {
    let recipe = recipe(&format!(
        "views {{ a, b: crop(size: 24) }}\nbranch f {{ encoder: vit({SMALL}, size: 16); head: mlp(8, 8) }}\n\
         loss {{ t: nt_xent(f(a), f(b)) }}"
    ));
    assert_eq!(shape(&recipe.graph, "f.encoder.pos_embed"), [1, 17, 16]);
}

#[test]
fn blocks_are_a_list_of_taps() {
    let text = |tap: &str| {
        format!(
            "views {{ a, b: crop() }}\nbranch f {{ encoder: vit({SMALL}); head: linear(8) on encoder.{tap} }}\n\
             loss {{ t: hinge_variance(mean(f(a).head, dim: 1)); u: mse(f(a).head, f(b).head) }}"
        )
    };
    for tap in ["blocks[0]", "blocks[-1]", "patches", "tokens"] {
        recipe(&text(tap));
    }
    says(&text("blocks[3]"), &["3"]);
    says(&text("patch"), &["no `patch`", "did you mean `patches`"]);
}

#[test]
fn masked_views_need_a_transformer_that_is_told_what_to_do() {
    let text = |encoder: &str, rest: &str, term: &str| {
        format!(
            "views {{ a: crop(); m: a | mask(random, ratio: 0.75, patch: 4) }}\n\
             branch f {{ encoder: vit({SMALL}{encoder}); {rest} }}\nloss {{ t: {term} }}"
        )
    };
    let pixels = "masked_mean((f(m) - patches(a, size: 4)) ^ 2, m.mask)";
    recipe(&text(", masked: replace", "head: linear(48) on encoder.patches", pixels));
    let decoder = |tap: &str| format!("head: vit_decoder(dim: 8, depth: 1, heads: 2, patch: 4) on encoder{tap}");
    recipe(&text(", masked: drop", &decoder(".tokens"), pixels));
    recipe(&text(", masked: drop, cls: false", &decoder(".tokens"), pixels));
    recipe(&text(", masked: drop", &decoder(".patches"), pixels));
    says(&text("", "head: linear(48) on encoder.patches", pixels), &["ignores masks", "`vit_tiny(masked: ..)`"]);
    says(&text(", masked: drop", &decoder(""), pixels), &["takes the tokens of an encoder", "`on encoder.tokens`"]);
    says(&text(", masked: replace", &decoder(".tokens"), pixels), &["given 65 tokens, but 16 patches are visible"]);
    let plain = "masked_mean((f(a) - patches(a, size: 4)) ^ 2, m.mask)";
    says(&text(", masked: drop", &decoder(".tokens"), plain), &["applied to no masked view"]);
}

#[test]
fn misfits_are_explained() {
    let text = |encoder: &str, mask: &str| {
        format!(
            "views {{ a: crop(); m: a | mask({mask}) }}\nbranch f {{ encoder: {encoder} }}\n\
             loss {{ t: hinge_variance(f(m)) + mean(m.mask) }}"
        )
    };
    let random = "random, ratio: 0.5, patch: 4";
    says(&text("vit_tiny(patch: 5, masked: drop)", random), &["does not divide into patches of 5 x 5"]);
    says(&text("vit_tiny(patch: 8, masked: drop)", random), &["8 x 8, the module has 4 x 4", "the same `patch`"]);
    says(
        &text("vit_tiny(patch: 4, masked: drop)", "random, ratio: 0.2..0.5, patch: 4"),
        &["as many must be visible in every sample", "`masked: replace`"],
    );
    says(&text("vit(16, depth: 1, heads: 3)", random), &["a width of 16 does not divide into 3 heads"]);
    says(&text("vit_tiny(cls: false, pool: cls)", random), &["`pool: cls` needs a class token"]);
    says(&text("vit_tiny(masked: drop, positions: relative)", random), &["positions cannot be `relative`"]);
    says(&text("vit(18, depth: 1, heads: 3, positions: sincos2d)", random), &["a multiple of 4, not 18"]);
}

#[test]
fn weights_start_as_in_timm_and_beit() {
    let text = |more: &str| {
        format!(
            "views {{ a, b: crop() }}\nbranch f {{ encoder: vit({SMALL}{more}); head: mlp(8, 8) }}\n\
             loss {{ t: nt_xent(f(a), f(b)) }}"
        )
    };
    let graph = recipe(&text(", layer_scale: 1e-5, rescale: true, registers: 1")).graph;
    let start = |name: &str| {
        let p = &graph.params[graph.find_parameter(&format!("f.encoder.{name}")).unwrap().index()];
        (p.init, p.kind)
    };
    assert_eq!(start("blocks.1.attn.qkv.weight"), (Init::TruncatedNormal(0.02), ParamKind::Weight));
    assert_eq!(start("blocks.1.mlp.fc2.weight"), (Init::TruncatedNormal(0.01), ParamKind::Weight));
    assert_eq!(start("blocks.1.mlp.fc1.bias"), (Init::Constant(0.0), ParamKind::Bias));
    assert_eq!(start("blocks.0.ls1.gamma"), (Init::Constant(1e-5), ParamKind::Norm));
    assert_eq!(start("pos_embed"), (Init::TruncatedNormal(0.02), ParamKind::Token));
    assert_eq!(start("reg_token"), (Init::Normal(1e-6), ParamKind::Token));
    let count: usize = recipe(&text("").replace(SMALL, "dim: 192, depth: 12, heads: 3, patch: 16"))
        .graph
        .params
        .iter()
        .filter(|p| p.name.starts_with("f.encoder."))
        .map(|p| p.shape.iter().product::<usize>())
        .sum();
    // timm's vit_tiny_patch16 with images of 32 pixels and without its classifier.
    assert_eq!(count, 5_487_552);
}
