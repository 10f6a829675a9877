//! `sslrun check`: diagnostics only.

use super::args::CheckArgs;
use super::findings::Findings;
use super::{Exit, recipe, run};
use crate::data;
use crate::diag::{Code, Diagnostic, Severity};
use crate::driver::{self, Checked, Failure};

/// Checks every recipe, and shows what there is to say about each.
pub fn check(args: &CheckArgs) -> Result<Exit, Failure> {
    let mut findings = Findings::new(args.format);
    let result = check_each(args, &mut findings);
    findings.close(result)
}

fn check_each(args: &CheckArgs, findings: &mut Findings) -> Result<Exit, Failure> {
    run::start_threads(None)?;
    let mut worst = Exit::Fine;
    for path in &args.recipes {
        let mut checked = recipe::check(path, &args.change)?;
        checked.diagnostics.extend(driver::too_large_here(&checked));
        checked.diagnostics.extend(absent(&checked, args.change.data.is_some()));
        checked.diagnostics.extend(driver::absent_others(&checked));
        if findings.tell(&checked.diagnostics, &checked.sources) {
            worst = Exit::RecipeErrors;
        }
    }
    Ok(worst)
}

/// What is said of a recipe whose data are not there: a recipe may be checked before its data are, but those that are named
/// with the command are to be found.
fn absent(checked: &Checked, named: bool) -> Option<Diagnostic> {
    let data = &checked.recipe.as_ref()?.data;
    let error = data::present(data).err()?.at(data.span).diagnostic();
    let severity = if named { Severity::Error } else { Severity::Warning };
    Some(Diagnostic { code: Code::UNREADABLE_FILE, severity, ..error })
}
