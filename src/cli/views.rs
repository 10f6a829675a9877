//! `sslrun views`: a contact sheet of the views a recipe makes.

use super::args::ViewsArgs;
use super::{Exit, output, recipe, run};
use crate::data::{self, Split, contact_sheet};
use crate::driver::Failure;
use crate::train::view_specs;

/// Draws a row for each of some samples: the sample, then its views.
pub fn views(args: &ViewsArgs) -> Result<Exit, Failure> {
    output::ending(&args.output, &["png", "jpg", "jpeg"])?;
    run::start_threads(None)?;
    let checked = recipe::check(&args.recipe, &args.change)?;
    output::diagnostics(&checked.diagnostics, &checked.sources);
    let Some(recipe) = &checked.recipe else { return Ok(Exit::RecipeErrors) };
    if recipe.views.is_empty() {
        return Err(Failure::run(format!("`{}` has no views to draw", recipe.title)));
    }
    let failed = |e: data::DataError| Failure::of(e.diagnostic(), &checked.sources);
    let set = data::open(&recipe.data, Split::Train, &args.change.access()).map_err(failed)?;
    let sheet = contact_sheet(&*set, &view_specs(recipe), args.samples, recipe.train.seed).map_err(failed)?;
    output::file(&args.output, &sheet.encode(&args.output).map_err(failed)?)?;
    let names: Vec<&str> = recipe.views.iter().map(|v| v.name.as_str()).collect();
    output::message(&format!("{}: sample, {}", args.output.display(), names.join(", ")));
    Ok(Exit::Fine)
}
