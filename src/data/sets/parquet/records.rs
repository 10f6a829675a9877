//! Whole rows of Parquet files, whatever their columns hold.

use std::path::Path;

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;

use super::columns::{apart, check_places, damaged};
use crate::data::DataError;
use crate::source::open_file;

/// Hands the rows of a file over in order, each as the names of its columns and their values.
pub fn read_records(
    path: &Path,
    take: &mut (dyn FnMut(Vec<(String, Field)>) -> Result<(), DataError> + Send),
) -> Result<(), DataError> {
    apart(|| {
        let file = open_file(path).map_err(|e| DataError::new(format!("cannot be opened: {e}")))?;
        let length = file.metadata().map_or(0, |m| m.len());
        let reader = SerializedFileReader::new(file).map_err(|e| {
            DataError::new(format!("is no readable Parquet file: {e}"))
                .help("the file is truncated, not Parquet, or a Git LFS pointer; fetch it again")
        })?;
        check_places(&reader, length)?;
        let rows = reader.get_row_iter(None).map_err(|e| damaged(0, &e))?;
        for (number, row) in rows.enumerate() {
            take(row.map_err(|e| damaged(number, &e))?.into_columns())?;
        }
        Ok(())
    })
    .map_err(|e: DataError| if e.file.is_some() { e } else { e.in_file(path) })
}
