//! `sslrun fmt`: the one canonical layout.

use std::path::Path;

use super::args::FmtArgs;
use super::{Exit, output};
use crate::driver::{self, Failure};
use crate::source::Sources;
use crate::syntax;

/// Lays out every file, or says which are laid out otherwise.
pub fn fmt(args: &FmtArgs) -> Result<Exit, Failure> {
    let mut worst = Exit::Fine;
    for path in &args.recipes {
        if one(path, args.check)? != Exit::Fine {
            worst = Exit::RecipeErrors;
        }
    }
    Ok(worst)
}

/// A file with a syntax error is left as it is.
fn one(path: &Path, check: bool) -> Result<Exit, Failure> {
    let mut sources = Sources::default();
    let id = driver::read(&mut sources, path)?;
    let text = sources.get(id).text.clone();
    let (file, diagnostics) = syntax::parse(id, &text);
    if output::diagnostics(&diagnostics, &sources) {
        return Ok(Exit::RecipeErrors);
    }
    let laid_out = syntax::format(&file, &text);
    let same = laid_out == text;
    match (check, path == Path::new("-")) {
        (true, _) if same => Ok(Exit::Fine),
        (true, _) => {
            output::message(&format!("{} is not laid out as `sslrun fmt` does it", sources.get(id).name));
            Ok(Exit::RecipeErrors)
        }
        (false, true) => {
            output::verbatim(&laid_out)?;
            Ok(Exit::Fine)
        }
        (false, false) if same => Ok(Exit::Fine),
        (false, false) => output::file(path, laid_out.as_bytes()).map(|()| Exit::Fine),
    }
}
