//! A table as it was read: rows of cells under names.

use std::path::{Path, PathBuf};

use ::parquet::data_type::ByteArray;

use super::{csv, records};
use crate::data::DataError;

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Missing,
    /// A number.
    Number(f64),
    /// Several numbers.
    Numbers(Vec<f32>),
    /// A text.
    Text(String),
    /// Bytes, such as those of a picture's file.
    Bytes(ByteArray),
    /// Something that recipes cannot read.
    Other,
}

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its number in the file, from 0.
    pub number: usize,
    /// Whether its file is one of those to judge on, where files say so.
    pub testing: Option<bool>,
    /// A cell for each column.
    pub cells: Vec<Cell>,
}

/// A table.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// The names of the columns.
    pub names: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
    /// Whether its cells have types of their own, which those of CSV have not.
    pub typed: bool,
    /// The folder that paths in it are relative to.
    pub folder: PathBuf,
}

impl Sheet {
    /// What a file of CSV or Parquet holds, or a folder of Parquet files.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let ends = |ending: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
        let several = path.file_name().is_some_and(|name| name.to_string_lossy().contains('*'));
        let is_parquet = path.is_dir() || several || ends("parquet") || ends("pq");
        let folder = if path.is_dir() { Some(path) } else { path.parent() };
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        let sheet = if is_parquet { records::read(path) } else { csv::read(path) }?;
        Ok(Self { folder, ..sheet })
    }

    /// The cells of a column.
    pub fn column(&self, column: usize) -> impl Iterator<Item = &Cell> {
        self.rows.iter().map(move |row| row.cells.get(column).unwrap_or(&Cell::Missing))
    }
}

impl Row {
    /// A cell as text; nothing where it is missing or no text.
    pub fn text(&self, column: Option<usize>) -> Option<String> {
        self.cells.get(column?)?.text()
    }
}

impl Cell {
    /// A number or a text, as text.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Self::Number(x) => Some(x.to_string()),
            Self::Missing | Self::Numbers(_) | Self::Bytes(_) | Self::Other => None,
        }
    }
}
