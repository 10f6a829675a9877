//! The other data sets that a recipe is judged on.

use super::{Checked, Failure};
use crate::check::Recipe;
use crate::data::{Access, DataError, Opened, Splits, present};
use crate::diag::{Code, Diagnostic, Severity};
use crate::report::JudgedOn;
use crate::train::TrainError;

/// Another data set that is judged, opened.
pub(super) struct Other {
    pub name: String,
    pub opened: Opened,
}

/// Opens all of them.
pub(super) fn open_others(recipe: &Recipe, access: &Access) -> Result<Vec<Other>, TrainError> {
    let open = |set: &crate::check::Judged| {
        let opened = Splits::open(&set.data, access).map_err(|error| named(error, &set.name))?;
        Ok(Other { name: set.name.clone(), opened })
    };
    recipe.evaluate.judged.iter().map(open).collect()
}

/// What is wrong, with the name of the set.
fn named(error: DataError, name: &str) -> TrainError {
    let reason = format!("{} (`{name}`, which is to be judged on)", error.reason);
    DataError { reason, ..error }.into()
}

impl Other {
    /// What the user must know of it.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.opened.notes.iter().map(|note| format!("`{}`: {note}", self.name))
    }

    /// What it is, in a line.
    pub fn describe(&self) -> String {
        let Splits { train, test } = &self.opened.splits;
        format!("judged on `{}`, too: {}; {} to be judged on", self.name, train.describe(), test.len())
    }

    /// The same for a record.
    pub fn judged_on(&self) -> JudgedOn {
        let data = self.opened.splits.train.describe();
        JudgedOn { name: self.name.clone(), data, fingerprint: self.opened.fingerprint }
    }
}

/// Their names and splits.
pub(super) fn splits(others: &[Other]) -> Vec<(String, Splits)> {
    others.iter().map(|other| (other.name.clone(), other.opened.splits.clone())).collect()
}

/// The name of a set whose pictures or labels have changed since a record was made, though it is written as it was.
pub(super) fn changed<'o>(others: &'o [Other], before: &[JudgedOn], rewritten: &[String]) -> Option<&'o str> {
    let was = |other: &&Other| {
        let known = before.iter().find(|set| set.name == other.name);
        known.is_some_and(|set| set.fingerprint != other.opened.fingerprint) && !rewritten.contains(&other.name)
    };
    others.iter().find(was).map(|other| other.name.as_str())
}

/// Warnings of those whose files are not there.
pub fn absent_others(checked: &Checked) -> Vec<Diagnostic> {
    let sets = checked.recipe.iter().flat_map(|recipe| &recipe.evaluate.judged);
    let absent = |set: &crate::check::Judged| {
        let error = present(&set.data).err()?.at(set.data.span).diagnostic();
        Some(Diagnostic { code: Code::UNREADABLE_FILE, severity: Severity::Warning, ..error })
    };
    sets.filter_map(absent).collect()
}

/// The data sets of a recipe that a run's encoder is judged on again.
pub(super) fn judged_again(checked: &Checked, recipe: &Recipe, access: &Access) -> Result<Vec<Other>, Failure> {
    open_others(recipe, access).map_err(|error| Failure::of_training(&error, &checked.sources))
}
