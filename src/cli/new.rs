//! `sslrun new`: a recipe to start from.

use super::args::NewArgs;
use super::{Exit, output};
use crate::check::{begun_from, built_in_names};
use crate::diag::suggest;
use crate::driver::Failure;

/// Writes a recipe that means the same as a built-in one, under another name; a file that is there is left alone.
pub fn new(args: &NewArgs) -> Result<Exit, Failure> {
    let path = if args.name.extension().is_some() { args.name.clone() } else { args.name.with_extension("ssl") };
    output::ending(&path, &["ssl"])?;
    let title = path.file_stem().unwrap_or_default().to_string_lossy();
    let from = args.from.as_str();
    let text = begun_from(from, &title).ok_or_else(|| {
        let near = suggest(from, built_in_names()).map_or_else(String::new, |hint| format!("; {hint}"));
        let help = "`sslrun show recipes` lists them; a file of your own is copied as any file is";
        Failure::usage(format!("there is no built-in recipe `{from}`{near}")).help(help)
    })?;
    output::new_file(&path, text.as_bytes())?;
    let path = path.display();
    output::message(&format!("{path} begins as `{from}`; run it with\n\n    sslrun {path}\n"));
    Ok(Exit::Fine)
}
