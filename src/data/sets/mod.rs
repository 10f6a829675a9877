//! The data sets of the language: one file (or folder) each, listed here.

mod cifar10;
mod shapes;

use super::augment::PixelNorm;
use super::{DataError, DataSet, Split};
use crate::catalog::{Config, Entry};

/// The name of the threads on which the reader of a foreign format may panic at a damaged file. Such a panic becomes a
/// [`DataError`]: a program need not show it.
pub const READER_THREAD: &str = "reader";

/// A data set's word and how to open it.
pub struct Set {
    /// Its signature and documentation.
    pub entry: Entry,
    /// Height and width of its images, known before it is opened.
    pub size: fn(&Config) -> (usize, usize),
    /// How many classes it has, known before it is opened.
    pub classes: fn(&Config) -> usize,
    /// How its pixels are normalised where a recipe does not say it.
    pub norm: fn(&Config) -> PixelNorm,
    /// Opens one part of it.
    pub open: Open,
}

/// How one part of a data set is opened.
pub type Open = fn(&Config, Split) -> Result<Box<dyn DataSet>, DataError>;

/// Every data set there is.
pub const SETS: &[Set] = &[shapes::SET, cifar10::SET];

/// The data set of that name.
pub fn find(name: &str) -> Result<&'static Set, DataError> {
    SETS.iter()
        .find(|s| s.entry.name == name)
        .ok_or_else(|| DataError::new(format!("there is no data set `{name}`")).help(names()))
}

/// The names of all data sets, as advice.
pub fn names() -> String {
    let names: Vec<_> = SETS.iter().map(|s| s.entry.name).collect();
    format!("there are: {}", names.join(", "))
}
