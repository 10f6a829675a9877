//! The standard library: recipes' shared definitions, written in the language and kept in the program.

use super::definitions::Definitions;
use crate::diag::Diagnostic;
use crate::source::{Source, Sources};
use crate::syntax;

/// Name and text of each file of the library.
pub const LIBRARY: &[(&str, &str)] = &[
    ("std/losses.ssl", include_str!("../../grammar/std/losses.ssl")),
    ("std/targets.ssl", include_str!("../../grammar/std/targets.ssl")),
    ("std/views.ssl", include_str!("../../grammar/std/views.ssl")),
    ("std/modules.ssl", include_str!("../../grammar/std/modules.ssl")),
];

/// The library's definitions. Its files are added to `sources`.
pub(super) fn library(sources: &mut Sources, diagnostics: &mut Vec<Diagnostic>) -> Definitions {
    let mut definitions = Definitions::default();
    for (name, text) in LIBRARY {
        let id = sources.add(Source::new(*name, None, *text));
        let (file, found) = syntax::parse(id, text);
        diagnostics.extend(found);
        definitions.add_file(&file, diagnostics);
    }
    definitions
}
