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
