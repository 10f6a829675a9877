//! `sslrun explain`: the page of a diagnostic.

use super::args::ExplainArgs;
use super::{Exit, output};
use crate::diag::{CODES, suggest};
use crate::driver::Failure;

/// Prints the page of a code, or lists all codes where there is none of that name.
pub fn explain(args: &ExplainArgs) -> Result<Exit, Failure> {
    if let Some(code) = CODES.iter().find(|c| c.name == args.code) {
        output::result(&format!("{}\n", code.page.trim_end()));
        return Ok(Exit::Fine);
    }
    let near = suggest(&args.code, CODES.iter().map(|c| c.name)).map_or_else(String::new, |s| format!("; {s}"));
    let all: String = CODES.iter().map(|c| format!("\n  {}", c.name)).collect();
    Err(Failure::Usage(format!("there is no diagnostic `{}`{near}\nall diagnostics:{all}", args.code)))
}
