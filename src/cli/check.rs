//! `sslrun check`: diagnostics only.

use serde_json::Value;

use super::args::{CheckArgs, FindingFormat};
use super::{Exit, output};
use crate::diag;
use crate::driver::{self, Checked, Failure};

/// Checks every recipe, and shows what there is to say about each.
pub fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    let mut worst = Exit::Fine;
    let mut shown: Vec<Value> = Vec::new();
    for path in &args.recipes {
        let checked = driver::check(path, &args.change.sets, args.change.data.as_deref())?;
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
        output::result(&format!("{:#}\n", Value::from(shown)));
    }
    Ok(worst)
}

/// The diagnostics of one recipe, each as a JSON object.
fn json(checked: &Checked) -> Result<Vec<Value>, Failure> {
    let text = diag::json(&checked.diagnostics, &checked.sources);
    serde_json::from_str(&text).map_err(|e| Failure::Run(format!("cannot print the diagnostics: {e}")))
}
