//! What the recipes of a comparison share.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::driver::Failure;
use crate::source::{LONGEST_RECORD, read_text};

/// What all recipes of a comparison share; kept in its folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// The time each may train, evaluation not counted, in seconds; each as long as it says itself where left out.
    pub budget: Option<f64>,
    /// The data set instead of the recipes' own.
    pub data: Option<String>,
    /// Overrides of each recipe, each `PATH=VALUE`.
    pub sets: Vec<String>,
}

impl Terms {
    /// The terms of an earlier comparison; nothing where there was none.
    pub(super) fn read(path: &Path) -> Result<Option<Terms>, Failure> {
        let failed =
            |what: &str, e: &dyn std::fmt::Display| Err(Failure::run(format!("{} {what}: {e}", path.display())));
        match read_text(path, LONGEST_RECORD) {
            Ok(text) => {
                ron::from_str(&text).map(Some).or_else(|e| failed("does not hold the terms of a comparison", &e))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => failed("cannot be read", &e),
        }
    }

    /// The terms for people.
    pub(super) fn words(&self) -> String {
        let budget = self.budget.map(|s| format!("{} of training each", crate::report::duration(s)));
        let budget = budget.unwrap_or_else(|| "each recipe's own epochs".to_owned());
        let data = self.data.as_ref().map_or_else(|| "each recipe's own data".to_owned(), |d| format!("data {d}"));
        let sets = self.sets.iter().map(|s| format!(", {s}"));
        format!("{budget}, {data}{}", sets.collect::<String>())
    }
}
