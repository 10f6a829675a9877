//! Whole rows of Parquet files, whatever their columns hold.

use std::path::Path;

use ::parquet::file::reader::FileReader;
use ::parquet::record::Field;

use super::columns::{apart, damaged, opened};
use crate::data::DataError;

/// Hands the rows of a file over in order, each as the names of its columns and their values.
pub fn read_records(
    path: &Path,
    take: &mut (dyn FnMut(Vec<(String, Field)>) -> Result<(), DataError> + Send),
) -> Result<(), DataError> {
    apart(|| {
        let reader = opened(path)?;
        let rows = reader.get_row_iter(None).map_err(|e| damaged(0, &e))?;
        for (number, row) in rows.enumerate() {
            take(row.map_err(|e| damaged(number, &e))?.into_columns())?;
        }
        Ok(())
    })
    .map_err(|e: DataError| if e.file.is_some() { e } else { e.in_file(path) })
}
