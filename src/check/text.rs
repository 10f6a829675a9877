//! The recipe as one text: imports merged, overrides applied.

use super::definitions::Definitions;

impl Definitions {
    /// The definitions in canonical layout.
    pub(super) fn text(&self) -> String {
        String::new()
    }
}
