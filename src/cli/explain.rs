//! `sslrun explain`: the page of a diagnostic, or a recipe in words.

use std::path::Path;

use super::args::ExplainArgs;
use super::{Exit, output, run};
use crate::diag::{CODES, suggest};
use crate::driver::{self, Failure};

/// Prints the page of a code, or explains a recipe; lists all codes where it is neither.
pub fn explain(args: &ExplainArgs) -> Result<Exit, Failure> {
    if let Some(code) = CODES.iter().find(|c| c.name == args.what) {
        output::result(&format!("{}\n", code.page.trim_end()))?;
        return Ok(Exit::Fine);
    }
    if args.what == "-" || args.what.ends_with(".ssl") || Path::new(&args.what).is_file() {
        return recipe(args);
    }
    let near = suggest(&args.what, CODES.iter().map(|c| c.name)).map_or_else(String::new, |s| format!("; {s}"));
    let all: String = CODES.iter().map(|c| format!("\n  {}", c.name)).collect();
    Err(Failure::Usage(format!("there is no diagnostic and no file `{}`{near}\nall diagnostics:{all}", args.what)))
}

fn recipe(args: &ExplainArgs) -> Result<Exit, Failure> {
    run::start_threads(None)?;
    let checked = driver::check(Path::new(&args.what), &args.change.sets, args.change.data.as_deref())?;
    output::diagnostics(&checked.diagnostics, &checked.sources);
    if checked.recipe.is_none() {
        return Ok(Exit::RecipeErrors);
    }
    let text = if args.latex { driver::explain_in_latex(&checked)? } else { driver::explain(&checked)? };
    output::result(&text)?;
    Ok(Exit::Fine)
}
