//! `sslrun explain`: the page of a diagnostic, or a recipe in words.

use std::path::Path;

use super::args::ExplainArgs;
use super::{Exit, output, recipe, run};
use crate::check::built_in_names;
use crate::diag::{CODES, suggest};
use crate::driver::{self, Failure};

/// Prints the page of a code, or explains a recipe; lists all codes where it is neither.
pub fn explain(args: &ExplainArgs) -> Result<Exit, Failure> {
    if let Some(code) = CODES.iter().find(|c| c.name == args.what) {
        output::result(&format!("{}\n", code.page.trim_end()))?;
        return Ok(Exit::Fine);
    }
    if names_recipe(&args.what) {
        return explain_recipe(args);
    }
    let known = CODES.iter().map(|c| c.name).chain(built_in_names());
    let near = suggest(&args.what, known).map_or_else(String::new, |s| format!("; {s}"));
    let all: String = CODES.iter().map(|c| format!("\n  {}", c.name)).collect();
    Err(Failure::usage(format!("there is no diagnostic and no recipe `{}`{near}\nall diagnostics:{all}", args.what)))
}

/// Whether a word is a file, or a recipe that is known by it.
fn names_recipe(word: &str) -> bool {
    let path = Path::new(word);
    let known = || driver::find_recipe(path, []).is_ok_and(|found| found.path != path);
    word == "-" || word.ends_with(".ssl") || path.is_file() || known()
}

fn explain_recipe(args: &ExplainArgs) -> Result<Exit, Failure> {
    run::start_threads(None)?;
    let checked = recipe::check(Path::new(&args.what), &args.change)?;
    output::diagnostics(&checked.diagnostics, &checked.sources);
    if checked.recipe.is_none() {
        return Ok(Exit::RecipeErrors);
    }
    let text = if args.latex { driver::explain_in_latex(&checked)? } else { driver::explain(&checked)? };
    output::result(&text)?;
    Ok(Exit::Fine)
}
