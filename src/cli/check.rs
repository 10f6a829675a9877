//! `sslrun check`: diagnostics only.

use serde_json::Value;

use super::args::{CheckArgs, FindingFormat};
use super::{Exit, output, recipe, run};
use crate::data;
use crate::diag::{self, Code, Diagnostic};
use crate::driver::{self, Checked, Failure};

/// Checks every recipe, and shows what there is to say about each.
pub fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    run::start_threads(None)?;
    let mut worst = Exit::Fine;
    let mut shown: Vec<Value> = Vec::new();
    for path in &args.recipes {
        let mut checked = recipe::check(path, &args.change)?;
        checked.diagnostics.extend(driver::too_large_here(&checked));
        checked.diagnostics.extend(absent(&checked, args.change.data.is_some()));
        checked.diagnostics.extend(driver::absent_others(&checked));
        if output::has_error(&checked.diagnostics) {
            worst = Exit::RecipeErrors;
        }
        match args.format {
            FindingFormat::Text => {
                output::diagnostics(&checked.diagnostics, &checked.sources);
            }
            FindingFormat::Json => shown.extend(json(&checked)?),
        }
    }
    if args.format == FindingFormat::Json {
        output::result(&format!("{:#}\n", Value::from(shown)))?;
    }
    Ok(worst)
}

/// What is said of a recipe whose data are not there: a recipe may be checked before its data are, but those that are named
/// with the command are to be found.
fn absent(checked: &Checked, named: bool) -> Option<Diagnostic> {
    let data = &checked.recipe.as_ref()?.data;
    let mut error = data::present(data).err()?;
    let help = error.help.take();
    let told = if named { Diagnostic::error } else { Diagnostic::warning };
    let told = told(Code::UNREADABLE_FILE, data.span, error.to_string());
    Some(match help {
        Some(help) => told.help(help),
        None => told,
    })
}

/// The diagnostics of one recipe, each as a JSON object.
fn json(checked: &Checked) -> Result<Vec<Value>, Failure> {
    let text = diag::json(&checked.diagnostics, &checked.sources);
    serde_json::from_str(&text).map_err(|e| Failure::Run(format!("cannot print the diagnostics: {e}")))
}
