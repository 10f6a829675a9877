//! The checker: recipes as text, with what is said of them.

use sslrun::check::{self, Options, Outcome};
use sslrun::diag;
use sslrun::driver::{Checked, loss_of};
use sslrun::source::{Source, Sources};
use std::path::Path;

/// The outcome of checking a recipe's text.
fn outcome(text: &str, sets: &[&str]) -> (Outcome, Sources) {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::File("test.ssl".into()), text));
    let options = Options { sets: sets.iter().map(|s| (*s).to_owned()).collect(), data: None };
    let outcome = check::check(&mut sources, id, &options);
    (outcome, sources)
}

#[test]
fn every_recipe_of_the_corpus_is_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut sources = Sources::default();
        let id = sources.read(&path).unwrap();
        let outcome = check::check(&mut sources, id, &Options::default());
        assert!(
            outcome.diagnostics.is_empty(),
            "{}:\n{}",
            path.display(),
            diag::render(&outcome.diagnostics, &sources)
        );
        assert!(outcome.recipe.is_some());
    }
}

#[test]
fn pure_losses() {
    let (outcome, sources) = outcome("input z: [N, 8]\nloss { a: mean(z ^ 2); b: hinge_variance(z) }", &[]);
    assert!(outcome.diagnostics.is_empty(), "{}", diag::render(&outcome.diagnostics, &sources));
    assert_eq!(outcome.recipe.unwrap().loss.terms.len(), 2);
}

fn codes(text: &str) -> Vec<&'static str> {
    outcome(text, &[]).0.diagnostics.iter().map(|d| d.code.name).collect()
}

#[test]
fn a_word_that_is_an_operation_and_a_layer_is_the_layer_where_no_tensor_is_given() {
    let text = "views { a }\nbranch f { encoder: conv2d(4) | flatten() | linear(3) }\nloss { t: mean(f(a) ^ 2) }";
    assert_eq!(codes(text), Vec::<&str>::new());
}

#[test]
fn a_view_that_fails_is_complained_of_once() {
    let text = "views { v[2]: crop(2) }\nbranch f { e: global_avgpool() | linear(3) }\n\
                loss { t: mean(f(u) for u in views) + mean(concat(f(u) for u in v)) }";
    assert_eq!(codes(text), ["invalid-value"]);
}

#[test]
fn a_part_of_a_list_is_a_list() {
    let text = |list: &str| {
        format!(
            "views {{ v[4]: crop() }}\nbranch f {{ e: global_avgpool() | linear(3) }}\n\
             loss {{ t: mean(f(v[0]) * f(u) for u in {list}) + mean(f(u) for u in v) }}"
        )
    };
    for list in ["v[1..3]", "v[0..4]", "v[1..-1]", "join(v[0..2], v[3])", "[v[1], v[2]][0..1]"] {
        assert_eq!(codes(&text(list)), Vec::<&str>::new(), "{list}");
    }
    for list in ["v[2..5]", "v[2..2]", "v[3..1]", "v[0.5..2]", "v[-9..2]"] {
        assert_eq!(codes(&text(list)), ["invalid-value"], "{list}");
    }
}

#[test]
fn an_argument_given_twice_is_refused_in_functions_too() {
    let text = "input x: [N, 8]\nlet g(x, y = 1) = mean(x) * y\nloss { t: g(x, x: x) }";
    assert_eq!(codes(text), ["duplicate-name"]);
}

#[test]
fn views_stand_above_those_that_start_from_them() {
    let text = "views { b: a | flip(); a: crop() }\nbranch f { e: global_avgpool() | linear(3) }\nloss { t: mean(f(a) * f(b)) }";
    assert_eq!(codes(text), ["unknown-name"]);
}

#[test]
fn a_rule_for_no_parameter_and_an_input_beside_views_are_refused() {
    let body = "views { a }\nbranch f { e: global_avgpool() | linear(3) }\nloss { t: mean(f(a) ^ 2) }\n";
    let rule = format!("{body}train {{ rules: [rule(on: f.nothing, lr_factor: 2)] }}");
    assert_eq!(codes(&rule), ["unknown-name"]);
    assert_eq!(codes(&format!("{body}input x: [N, 8]")), ["unsupported"]);
}

/// What is said of a text under overrides, without codes.
fn messages(text: &str, sets: &[&str]) -> Vec<String> {
    outcome(text, sets).0.diagnostics.into_iter().map(|d| d.message).collect()
}

#[test]
fn a_file_has_one_recipe_one_extends_and_one_data() {
    let body = "input z: [N, 4]\nloss { t: mean(z) }\n";
    for item in ["recipe \"A\"", "data shapes()"] {
        assert_eq!(codes(&format!("{item}\n{item}\n{body}")), ["duplicate-name"], "{item}");
        assert_eq!(codes(&format!("{item}\n{body}")), Vec::<&str>::new(), "{item}");
    }
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/vicreg.ssl");
    let extends = format!("extends \"{}\"\n", base.display());
    assert_eq!(codes(&format!("{extends}{extends}")), ["duplicate-name"]);
}

#[test]
fn data_params_and_lets_are_omitted_too() {
    let folder = crate::train::folder("omit");
    let base =
        "param k = 2\ndata shapes(train: 50)\nlet g(x) = k * x\ninput z: [N, 4]\nloss { t: g(mean(z)); u: mean(z) }";
    let base = crate::train::recipe_file(&folder, base);
    let text = format!("extends \"{}\"\nomit loss.t\nomit g\nomit k\nomit data", base.display());
    let (outcome, sources) = outcome(&text, &[]);
    assert!(outcome.diagnostics.is_empty(), "{}", diag::render(&outcome.diagnostics, &sources));
    let text = outcome.recipe.expect("a recipe").text;
    assert!(!text.contains("param") && !text.contains("data") && !text.contains("let"), "{text}");
    let twice = format!("extends \"{}\"\nomit data\nomit data", base.display());
    assert_eq!(codes(&twice), ["unknown-omit"]);
}

#[test]
fn a_pipeline_of_one_call_is_set_by_its_word() {
    let text = "views { a: crop(0.2..1); b: flip }\nbranch f { e: global_avgpool() | linear(3) }\nloss { t: mse(f(a), f(b)) + hinge_variance(f(a)) }";
    let set = |set: &str| outcome(text, &[set]).0.recipe.map(|r| r.text).unwrap_or_else(|| panic!("{set}"));
    assert!(set("a.crop.scale=0.5..1").contains("crop(0.2..1, scale: 0.5..1)"), "{}", set("a.crop.scale=0.5..1"));
    assert!(set("b.flip.p=0.1").contains("flip(p: 0.1)"));
    assert!(set("a.size=16").contains("size: 16"));
}

#[test]
fn what_cannot_be_set_as_a_whole_says_what_it_is() {
    let text = "views { a }\nlet g(x, k = 2) = k * x\nbranch f { e: global_avgpool() | linear(3) }\nloss { t: g(mean(f(a) ^ 2)) }";
    assert_eq!(messages(text, &["g=4"]), ["`g` is a function, and cannot be set as a whole"]);
    assert_eq!(messages(text, &["f=4"]), ["`f` is a branch, and cannot be set as a whole"]);
    assert_eq!(messages(text, &["g.k=4"]), Vec::<String>::new());
    let two = format!("{text}\ntrain {{ optimizer: [adamw(1e-3), sgd(0.1, on: f.e)] }}");
    assert_eq!(messages(&two, &["train.optimizer.sgd.lr=0.2"]), Vec::<String>::new());
    assert_eq!(codes(&two.replace("adamw(1e-3), ", "")), ["invalid-value"; 0]);
}

#[test]
fn tensors_are_indexed_from_their_end() {
    let text = "input z: [N, 5]\nloss { same: sum(abs(z[-1] - z[N - 1])) + sum(abs(z[0, -3..-1] - z[0, 2..4])); rows: 0 * sum(z[0..-1] - z[1..N]) }";
    let (outcome, sources) = outcome(text, &[]);
    assert!(outcome.recipe.is_some(), "{}", diag::render(&outcome.diagnostics, &sources));
    let checked = Checked { sources, recipe: outcome.recipe, diagnostics: Vec::new() };
    let z = candle_core::Tensor::from_vec((0..20).map(|i| i as f32).collect(), (4, 5), &candle_core::Device::Cpu);
    let given = [("z".to_owned(), z.expect("a tensor"))].into();
    let kind = sslrun::exec::EngineKind::Planned;
    assert_eq!(loss_of(&checked, &given, false, kind).expect("a loss").total, 0.0);
    assert_eq!(codes("input z: [N, 5]\nloss { t: sum(z[0, -6]) }"), ["shape-mismatch"]);
}

#[test]
fn shapes_that_do_not_go_together_say_which_dimensions_differ() {
    let message =
        |sum: &str| messages(&format!("input z: [N, 64]\ninput y: [2, 3, 64]\nloss {{ t: mean({sum}) }}"), &[]);
    assert_eq!(message("z + sum(z, dim: 1)"), ["cannot add [N, 64] and [N]: the last dimension differs (64 and N)"]);
    assert_eq!(message("z[0..2] + z[0..3]"), ["cannot add [2, 64] and [3, 64]: dimension 0 differs (2 and 3)"]);
    let far = "cannot add [2, 3, 64] and [2, 64]: dimension 1 of the one and 0 of the other differ (3 and 2)";
    assert_eq!(message("y + z[0..2]"), [far]);
}

#[test]
fn a_list_for_a_parameter_with_a_shape_is_stacked() {
    let text = |shape: &str| {
        format!(
            "views {{ g[2]: crop(); b }}\nlet spread(z: [{shape}]) = mean(std(z, dim: 0))\n\
             branch f {{ e: global_avgpool() | linear(3) }}\nloss {{ t: mse(f(b), f(g[0])) - spread(f(v) for v in g) }}"
        )
    };
    assert_eq!(codes(&text("K, N, D")), Vec::<&str>::new());
    assert_eq!(messages(&text("N, D"), &[]), ["`z` of `spread` must be [N, D], found [2, N, 3]"]);
    let none = text("K, N, D").replace("for v in g", "for v in g if v != g[0] and v != g[1]");
    assert_eq!(codes(&none), ["invalid-value"]);
}
