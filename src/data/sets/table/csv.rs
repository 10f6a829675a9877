//! Tables of comma-separated values.

use std::path::Path;

use super::sheet::{Cell, Row, Sheet};
use crate::data::DataError;
use crate::source::open_file;

/// What a file holds; `.tsv` has tabs between values.
pub fn read(path: &Path) -> Result<Sheet, DataError> {
    let failed = |e: ::csv::Error| DataError::new(format!("is no readable table: {e}"));
    let file = open_file(path).map_err(|e| DataError::new(format!("cannot be read: {e}")))?;
    let tabs = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("tsv"));
    let delimiter = if tabs { b'\t' } else { b',' };
    let mut reader = ::csv::ReaderBuilder::new().trim(::csv::Trim::All).delimiter(delimiter).from_reader(file);
    let names = reader.headers().map_err(failed)?.iter().map(str::to_owned).collect();
    let cell = |text: &str| if text.is_empty() { Cell::Missing } else { Cell::Text(text.to_owned()) };
    let mut rows = Vec::new();
    for (number, record) in reader.records().enumerate() {
        let cells = record.map_err(failed)?.iter().map(cell).collect();
        rows.push(Row { number, testing: None, cells });
    }
    Ok(Sheet { names, rows, typed: false, ..Sheet::default() })
}
