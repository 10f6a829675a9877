//! The recipes inside the program, each with what it is and what it costs.

use super::{Checked, Failure, check, explain};
use crate::check::{RECIPES, Recipe, built_in};
use crate::compile::{Description, Plan, Program};
use crate::data::{self, Split};

/// A built-in recipe.
#[derive(Clone, Debug)]
pub struct Shipped {
    /// By which it is called.
    pub name: &'static str,
    /// The method.
    pub title: String,
    /// What its methods rest on, in words.
    pub families: Vec<&'static str>,
    /// Numbers that are trained.
    pub parameters: u64,
    /// Floating-point operations of a step, forward and backward.
    pub operations: u64,
}

/// All of them, in the order of their names.
pub fn shipped() -> Result<Vec<Shipped>, Failure> {
    RECIPES.iter().map(|(name, _)| of_name(name)).collect()
}

fn of_name(name: &'static str) -> Result<Shipped, Failure> {
    let path = built_in(name).unwrap_or_default();
    let Checked { recipe, .. } = check(&path, &[], None)?;
    let recipe = recipe.ok_or_else(|| Failure::run(format!("the built-in recipe `{name}` has errors")))?;
    let samples = data::open(&recipe.data, Split::Train, &data::Access::default())
        .map_err(|e| Failure::run(e.to_string()))?
        .len();
    let totals = describe(&recipe, Some(samples))?.totals;
    let operations = |text: &str| text.parse::<u64>().map_err(|e| Failure::run(format!("`{name}`: {text}: {e}")));
    Ok(Shipped {
        name,
        families: explain::families(&recipe),
        title: recipe.title,
        parameters: totals.trained as u64,
        operations: operations(&totals.forward_flops)? + operations(&totals.backward_flops)?,
    })
}

/// What a step of a recipe computes, for a data set of so many samples if that is known.
pub fn describe(recipe: &Recipe, samples: Option<usize>) -> Result<Description, Failure> {
    let program = program(recipe)?.fused();
    let size = |symbol: &str| match symbol {
        "N" => Some(recipe.train.batch as i64),
        "samples" => samples.map(|samples| samples as i64),
        _ => None,
    };
    // The sizes of given inputs are not known before they are given: then there is a graph, but no plan.
    let plan = Plan::new(&program, &size).ok();
    Ok(Description::new(&program, plan.as_ref()))
}

/// A training step, or the terms alone where there is no loss to train.
fn program(recipe: &Recipe) -> Result<Program, Failure> {
    let terms: Vec<_> = recipe.loss.terms.iter().map(|t| t.node).collect();
    let Some(total) = recipe.loss.total else { return Ok(Program::forward(recipe.graph.clone(), terms)) };
    Program::training(recipe.graph.clone(), &terms, total, &[], recipe.train.wishes)
        .map_err(|e| Failure::run(e.message).maybe_help(e.help))
}
