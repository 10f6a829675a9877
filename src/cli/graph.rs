//! `sslrun graph`: the compiled graph of a recipe.

use super::args::{GraphArgs, GraphFormat};
use super::{Exit, output, run};
use crate::check::Recipe;
use crate::compile::{Description, Plan, Program};
use crate::driver::{self, Failure};

/// Prints what a step computes: nodes, shapes, costs, and where in memory every value lies.
pub fn graph(args: &GraphArgs) -> Result<Exit, Failure> {
    run::start_threads(None)?;
    let checked = driver::check(&args.recipe, &args.change.sets, args.change.data.as_deref())?;
    output::diagnostics(&checked.diagnostics, &checked.sources);
    let Some(recipe) = &checked.recipe else { return Ok(Exit::RecipeErrors) };
    let program = program(recipe)?.fused();
    let batch = recipe.train.batch as i64;
    // The sizes of given inputs are not known before they are given: then there is a graph, but no plan.
    let plan = Plan::new(&program, &|symbol| (symbol == "N").then_some(batch)).ok();
    let description = Description::new(&program, plan.as_ref());
    let text = match args.format {
        GraphFormat::Text => description.to_string(),
        GraphFormat::Dot => description.dot(),
        GraphFormat::Ron => description.ron().map_err(|e| Failure::Run(format!("cannot print the graph: {e}")))?,
    };
    output::result(&format!("{}\n", text.trim_end()))?;
    Ok(Exit::Fine)
}

/// A training step, or the terms alone where there is no loss to train.
fn program(recipe: &Recipe) -> Result<Program, Failure> {
    let terms: Vec<_> = recipe.loss.terms.iter().map(|t| t.node).collect();
    let Some(total) = recipe.loss.total else { return Ok(Program::forward(recipe.graph.clone(), terms)) };
    Program::training(recipe.graph.clone(), &terms, total, &[]).map_err(|e| Failure::Run(e.message))
}
