//! `sslrun check`: diagnostics only.

use super::args::{CheckArgs, DiagnosticFormat};
use super::{Exit, output};
use crate::diag;
use crate::driver::{self, Failure};

/// Checks every recipe, and shows what there is to say about each.
pub fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    let mut worst = Exit::Fine;
    let mut shown = Vec::new();
    for path in &args.recipes {
        let checked = driver::check(path, &args.change.sets, args.change.data.as_deref())?;
        if output::has_error(&checked.diagnostics) {
            worst = Exit::RecipeErrors;
        }
        match args.format {
            DiagnosticFormat::Text => {
                output::diagnostics(&checked.diagnostics, &checked.sources);
            }
            DiagnosticFormat::Json => shown.push(diag::json(&checked.diagnostics, &checked.sources)),
        }
    }
    shown.iter().for_each(|json| output::result(&format!("{}\n", json.trim_end())));
    Ok(worst)
}
