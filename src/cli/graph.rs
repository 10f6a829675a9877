//! `sslrun graph`: the compiled graph of a recipe.

use super::args::{GraphArgs, GraphFormat};
use super::{Exit, output, recipe, run};
use crate::driver::{self, Failure};

/// Prints what a step computes: nodes, shapes, costs, and where in memory every value lies.
pub fn graph(args: &GraphArgs) -> Result<Exit, Failure> {
    run::start_threads(None)?;
    let checked = recipe::check(&args.recipe, &args.change)?;
    output::diagnostics(&checked.diagnostics, &checked.sources);
    let Some(recipe) = &checked.recipe else { return Ok(Exit::RecipeErrors) };
    let description = driver::describe(recipe, None)?;
    let text = match args.format {
        GraphFormat::Text => description.to_string(),
        GraphFormat::Dot => description.dot(),
        GraphFormat::Ron => description.ron().map_err(|e| Failure::run(format!("cannot print the graph: {e}")))?,
    };
    output::result(&format!("{}\n", text.trim_end()))?;
    Ok(Exit::Fine)
}
