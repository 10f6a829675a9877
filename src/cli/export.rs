//! `sslrun export`: the encoder of a run as a folder for PyTorch.

use super::args::ExportArgs;
use super::{Exit, output};
use crate::driver::{self, Failure};

/// Writes the folder, and says how it is tried.
pub fn export(args: &ExportArgs) -> Result<Exit, Failure> {
    let checked = driver::check_export(&args.run, args.branch.as_deref())?;
    output::diagnostics(&checked.diagnostics, &checked.sources);
    if checked.recipe.is_none() {
        return Ok(Exit::RecipeErrors);
    }
    let package = driver::export(&args.run, &checked, args.checkpoint, &args.output)?;
    let (folder, loader) = (args.output.display(), args.output.join("load.py"));
    output::message(&format!(
        "weights by {package}'s names, how to build them and how to prepare a picture are in {folder}; try them by\n\n    \
         python {}\n",
        loader.display()
    ));
    Ok(Exit::Fine)
}
