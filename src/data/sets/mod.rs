//! The data sets of the language: one file (or folder) each, listed here.

mod arrays;
mod cifar10;
mod cifar100;
pub(super) mod folder;
mod idx;
mod parquet;
mod pool;
mod shapes;
mod shards;
mod stl10;
mod table;

use std::path::Path;

use super::augment::PixelNorm;
use super::{Access, Column, DataError, DataSet, Frame, Split};
use crate::catalog::{Config, Entry};
use crate::source::read_text;

/// The name of the threads on which the reader of a foreign format may panic at a damaged file. Such a panic becomes a
/// [`DataError`]: a program need not show it.
pub const READER_THREAD: &str = "reader";

/// A data set's word and how to open it.
pub struct Set {
    /// Its signature and documentation.
    pub entry: Entry,
    /// What is known of it before it is opened. What only its files can tell is written down, so that it stays as it is: a recipe that is
    /// checked has it. Files that are not there tell nothing; an error is of the arguments alone.
    pub look: fn(&mut Config) -> Result<Facts, DataError>,
    /// Whether what a path leads to looks like one of these: by names alone, files are not read.
    pub seen: fn(&Path) -> bool,
    /// Whether the files of both of its parts are there, which is all that is looked at.
    pub present: fn(&Config) -> Result<(), DataError>,
    /// Opens one part of it.
    pub open: Open,
    /// Opens both parts of it, that for training first.
    pub both: fn(&Config, &Access) -> Result<Both, DataError>,
}

/// The part of a data set that is trained on, and the part that is judged on.
pub type Both = (Box<dyn DataSet>, Box<dyn DataSet>);

/// Both parts, opened one by one.
fn each(config: &Config, access: &Access, open: Open) -> Result<Both, DataError> {
    Ok((open(config, Split::Train, access)?, open(config, Split::Test, access)?))
}

/// How one part of a data set is opened.
pub type Open = fn(&Config, Split, &Access) -> Result<Box<dyn DataSet>, DataError>;

/// What is known of a data set before it is opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Height and width of its images, or what they are taken for.
    pub frame: Frame,
    /// How many classes it has; `None` where only its files can tell, and are not there.
    pub classes: Option<usize>,
    /// How its pixels are normalised where a recipe does not say it.
    pub norm: PixelNorm,
    /// What recipes can read of its samples by name; `None` where only its files can tell, and are not there.
    pub columns: Option<Vec<Column>>,
}

impl Facts {
    /// Of pictures and classes alone.
    pub fn of_pictures(frame: Frame, classes: Option<usize>, norm: PixelNorm) -> Self {
        Self { frame, classes, norm, columns: Some(Vec::new()) }
    }
}

/// The most bytes of a file that names classes.
const LONGEST_NAMES: u64 = 1 << 16;

/// The classes that a file names, one a line; nothing where it is not there or names another number of them.
fn named_classes(path: &Path, count: usize) -> Option<Vec<String>> {
    let text = read_text(path, LONGEST_NAMES).ok()?;
    let names: Vec<String> = text.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    (names.len() == count).then_some(names)
}

/// Every data set there is; of those that a path looks like, the first is taken.
pub static SETS: &[&Set] = &[
    &shapes::SET,
    &cifar10::SET,
    &cifar100::SET,
    &stl10::SET,
    &idx::SET,
    &parquet::SET,
    &shards::SET,
    &table::SET,
    &arrays::SET,
    &folder::SET,
];

/// The data set that is called; `None` where another word is.
pub fn of(config: &Config) -> Option<&'static Set> {
    SETS.iter().copied().find(|set| config.is(&set.entry))
}

/// The data set of that name.
pub fn find(name: &str) -> Result<&'static Set, DataError> {
    SETS.iter()
        .copied()
        .find(|s| s.entry.name == name)
        .ok_or_else(|| DataError::new(format!("there is no data set `{name}`")).help(names()))
}

/// The data set that a path alone stands for.
pub fn recognised(path: &Path) -> Option<&'static Set> {
    SETS.iter().copied().find(|set| (set.seen)(path))
}

/// The names of all data sets, as advice.
pub fn names() -> String {
    let names: Vec<_> = SETS.iter().map(|s| s.entry.name).collect();
    format!("there are: {}", names.join(", "))
}
