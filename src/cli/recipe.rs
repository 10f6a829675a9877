//! The recipe that an argument names, found and checked: the same for every command that takes one.

use std::path::{Path, PathBuf};

use clap::CommandFactory;

use super::args::{Args, ChangeArgs};
use super::output;
use crate::check::built_in;
use crate::driver::{self, Checked, Failure, Found, RunFolder};

/// The path of the recipe that is named; says so where it may be another than the user thinks.
pub fn find(named: &Path) -> Result<PathBuf, Failure> {
    told(driver::find_recipe(named, [])?)
}

/// The same of a word that may have been meant as a command.
pub fn find_or_command(named: &Path) -> Result<PathBuf, Failure> {
    let program = Args::command();
    told(driver::find_recipe(named, program.get_subcommands().map(clap::Command::get_name))?)
}

/// The path of the recipe, or of the folder of a run, that is named.
pub fn find_or_run(named: &Path) -> Result<PathBuf, Failure> {
    if RunFolder::open(named).is_err() {
        return find(named);
    }
    let path = named.to_owned();
    let hides = named.to_str().and_then(built_in).is_some();
    let note =
        hides.then(|| format!("note: the run in {} is taken, not the built-in recipe of that name", path.display()));
    told(Found { path, note })
}

/// Reads and checks the recipe that is named, with changes.
pub fn check(named: &Path, change: &ChangeArgs) -> Result<Checked, Failure> {
    driver::check(&find(named)?, &change.sets, change.data.as_deref())
}

fn told(found: Found) -> Result<PathBuf, Failure> {
    found.note.iter().for_each(|note| output::message(note));
    Ok(found.path)
}
