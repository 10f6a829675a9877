//! A recipe read and checked, from a file, standard input or texts that stand for files.

use std::io::ErrorKind;
use std::path::Path;

use super::Failure;
use super::tokens::many_tokens;
use crate::catalog::Config;
use crate::check::{self, Recipe, add_recipe, built_in_hint};
use crate::data;
use crate::diag::{Diagnostic, Severity};
use crate::exec::PlannedEvaluator;
use crate::lint::lint;
use crate::source::{FileId, LONGEST_RECIPE, Origin, Source, Sources, Span, read_stream};

/// A file that has been read and checked.
pub struct Checked {
    /// All text that was read.
    pub sources: Sources,
    /// The recipe, if it has no error.
    pub recipe: Option<Recipe>,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and checks a recipe; `-` is standard input. An unreadable file is a mistake in how the program was called.
pub fn check(path: &Path, sets: &[String], data: Option<&str>) -> Result<Checked, Failure> {
    check_among(Sources::default(), path, sets, data)
}

/// The same where other texts may stand for files.
pub(super) fn check_among(
    mut sources: Sources,
    path: &Path,
    sets: &[String],
    data: Option<&str>,
) -> Result<Checked, Failure> {
    let root = read(&mut sources, path)?;
    let data = data.map(|spec| named(&mut sources, spec)).transpose()?;
    let outcome = check::check(&mut sources, root, &check::Options { sets: sets.to_vec(), data });
    let mut diagnostics = outcome.diagnostics;
    diagnostics.extend(outcome.recipe.iter().flat_map(|recipe| lint(recipe, &PlannedEvaluator)));
    diagnostics.extend(outcome.recipe.as_ref().and_then(many_tokens));
    let sound = diagnostics.iter().all(|d| d.severity < Severity::Error);
    Ok(Checked { sources, recipe: outcome.recipe.filter(|_| sound), diagnostics })
}

/// The data set that `--data` names; what is wrong with it is said of that option.
pub(super) fn named(sources: &mut Sources, spec: &str) -> Result<Config, Failure> {
    if spec.contains('(') && !Path::new(spec).exists() {
        let called = check::data_set(sources, spec);
        return called.map_err(|d| Failure::of(d, sources).as_usage());
    }
    let config = data::parse_spec(spec).map_err(|e| Failure::of_data(e).as_usage())?;
    let option = sources.add(Source::new("--data", Origin::Option, spec));
    Ok(Config { span: Some(Span::new(option, 0..spec.len())), ..config })
}

/// Reads one file, or a built-in recipe by its path; `-` is standard input.
pub fn read(sources: &mut Sources, path: &Path) -> Result<FileId, Failure> {
    if path == Path::new("-") {
        let text = read_stream(std::io::stdin(), LONGEST_RECIPE);
        let text = text.map_err(|e| Failure::usage(format!("cannot read standard input: {e}")))?;
        return Ok(sources.add(Source::new("standard input", Origin::Input, text)));
    }
    add_recipe(sources, path, Sources::read_named).map_err(|e| {
        let hint = built_in_hint(path).filter(|_| e.kind() == ErrorKind::NotFound);
        Failure::usage(format!("cannot read {}: {e}", path.display())).maybe_help(hint)
    })
}

/// The hash of a recipe's whole text and of the texts of those it takes frozen weights from.
pub(super) fn hash(recipe: &Recipe) -> String {
    hash_of(&recipe.text, &recipe.parts)
}

/// The same of texts.
pub(super) fn hash_of(text: &str, parts: &[(String, String)]) -> String {
    let parts = parts.iter().map(|(_, text)| text.as_str());
    let bytes: Vec<u64> = std::iter::once(text).chain(parts).flat_map(str::bytes).map(u64::from).collect();
    format!("{:016x}", crate::random::derive(&bytes))
}
