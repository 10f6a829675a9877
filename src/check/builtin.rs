//! The recipes inside the program: their names, and the paths by which files of recipes and messages know them.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::diag::suggest;
use crate::source::{FileId, Origin, Source, Sources};

/// Name and text of each, in the order of their names.
pub const RECIPES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/recipes.rs"));

/// The folder in which they lie side by side for those who read their paths; no shell and no recipe of sense names another so.
const FOLDER: &str = "<built-in>";

/// The path of the built-in recipe of a name; nothing where there is none.
pub fn built_in(name: &str) -> Option<PathBuf> {
    text(name).map(|_| Path::new(FOLDER).join(format!("{name}.ssl")))
}

/// Adds the file of that path: a built-in recipe if it is the path of one, else what `read` finds there.
pub fn add_recipe(
    sources: &mut Sources,
    path: &Path,
    read: impl FnOnce(&mut Sources, &Path) -> io::Result<FileId>,
) -> io::Result<FileId> {
    match name_in(path).and_then(text) {
        Some(text) => Ok(sources.add(Source::new(path.display().to_string(), Origin::File(path.to_owned()), text))),
        None => read(sources, path),
    }
}

/// What may have been meant by the path of a recipe that is not there.
pub fn built_in_hint(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    match (text(stem), word(path)) {
        (Some(_), _) => Some(format!("the built-in recipe is called `{stem}`, without folder and ending")),
        (None, Some(word)) => suggest(word, names()),
        (None, None) => None,
    }
}

/// The word that a path is, if it has neither folder nor ending and may name a built-in recipe.
pub fn word(path: &Path) -> Option<&str> {
    let mut parts = path.components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(word)), None) => word.to_str().filter(|w| path.as_os_str() == *w && !w.contains('.')),
        _ => None,
    }
}

/// The names of all.
pub fn names<'a>() -> impl Iterator<Item = &'a str> {
    RECIPES.iter().map(|(name, _)| *name)
}

/// Whether a path is that of a built-in recipe.
pub(super) fn is_built_in(path: &Path) -> bool {
    name_in(path).and_then(text).is_some()
}

/// The text of the recipe of a name.
pub(super) fn text(name: &str) -> Option<&'static str> {
    RECIPES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The name in the path of a built-in recipe.
fn name_in(path: &Path) -> Option<&str> {
    path.strip_prefix(FOLDER).ok()?.to_str()?.strip_suffix(".ssl")
}
