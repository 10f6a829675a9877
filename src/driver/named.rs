//! Which recipe an argument names: a file, or one inside the program.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::check::{built_in, built_in_names, word};
use crate::diag::suggest;

/// A recipe that was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its file, or the path of a built-in one.
    pub path: PathBuf,
    /// What the user must know of that choice.
    pub note: Option<String>,
}

/// The recipe of a name or path. A file of a name in the working directory, with or without its ending, goes before the built-in
/// recipe of that name. `others` are words that may have been meant where nothing is called so.
pub fn find_recipe<'a>(named: &Path, others: impl IntoIterator<Item = &'a str>) -> Result<Found, Failure> {
    let as_it_is = Found { path: named.to_owned(), note: None };
    let Some(word) = word(named).filter(|word| *word != "-") else { return Ok(as_it_is) };
    let files = [named.to_owned(), named.with_extension("ssl")];
    let file = files.into_iter().find(|file| file.exists() && !file.is_dir());
    match (file, built_in(word)) {
        (Some(path), None) => Ok(Found { path, note: None }),
        (Some(path), Some(_)) => {
            let note = format!("note: the file {} is used, not the built-in recipe of that name", path.display());
            Ok(Found { path, note: Some(note) })
        }
        (None, Some(path)) => Ok(Found { path, note: None }),
        (None, None) if named.is_dir() => Ok(as_it_is),
        (None, None) => {
            let near =
                suggest(word, built_in_names().chain(others)).map_or_else(String::new, |hint| format!("; {hint}"));
            let message =
                format!("there is no built-in recipe `{word}`, and no file `{word}` or `{word}.ssl` here{near}");
            Err(Failure::usage(message).help("`sslrun show recipes` lists the built-in ones"))
        }
    }
}
