//! The standard library: recipes' shared definitions, written in the language. It is read once, whatever is checked.

use std::sync::LazyLock;

use super::definitions::Definitions;
use crate::diag::Diagnostic;
use crate::source::{FileId, LIBRARY};
use crate::syntax::{self, ast::File};

struct Library {
    files: Vec<File>,
    definitions: Definitions,
    diagnostics: Vec<Diagnostic>,
}

static READ: LazyLock<Library> = LazyLock::new(|| {
    let (mut definitions, mut diagnostics) = (Definitions::default(), Vec::new());
    let read = |(place, (_, text)): (usize, &(&str, &str))| {
        let (file, found) = syntax::parse(FileId::Library(place as u32), text);
        diagnostics.extend(found);
        definitions.add_file(&file, &mut diagnostics);
        file
    };
    let files = LIBRARY.iter().enumerate().map(read).collect();
    Library { files, definitions, diagnostics }
});

/// The files of the library as they were read, in the order of [`LIBRARY`].
pub fn library_files() -> &'static [File] {
    &READ.files
}

/// The library's definitions.
pub(super) fn definitions() -> &'static Definitions {
    &READ.definitions
}

/// What is wrong with the library: nothing, or it would be told with every recipe.
pub(super) fn diagnostics() -> &'static [Diagnostic] {
    &READ.diagnostics
}
