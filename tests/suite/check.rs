//! The checker: recipes as text, with what is said of them.

use sslrun::check::{self, Options, Outcome};
use sslrun::diag;
use sslrun::source::{Source, Sources};
use std::path::Path;

/// The outcome of checking a recipe's text.
fn outcome(text: &str, sets: &[&str]) -> (Outcome, Sources) {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", Some("test.ssl".into()), text));
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
