//! The original binary files: records of a label byte and three planes of 1,024 bytes.

use std::path::{Path, PathBuf};

use super::{Rows, SIDE, check_label};
use crate::data::{CHANNELS, DataError, Split};
use crate::source::read_file;

const PLANE: usize = SIDE * SIDE;
const RECORD: usize = 1 + CHANNELS * PLANE;

/// Adds a picture of three planes, its pixels together.
pub fn planes(planes: &[u8], out: &mut Vec<u8>) {
    (0..PLANE).for_each(|pixel| out.extend((0..CHANNELS).map(|c| planes[c * PLANE + pixel])));
}

/// The names of a split's files, in order.
pub fn names(split: Split) -> &'static [&'static str] {
    match split {
        Split::Train => {
            &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"]
        }
        Split::Test => &["test_batch.bin"],
    }
}

/// All files of a split, of which at least one is there; complains about the first that is not.
pub fn complete(folder: &Path, split: Split) -> Result<Vec<PathBuf>, DataError> {
    let files: Vec<PathBuf> = names(split).iter().map(|n| folder.join(n)).collect();
    match files.iter().find(|f| !f.is_file()) {
        Some(missing) => Err(DataError::new("is missing, while other files of the same set are there")
            .in_file(missing)
            .help("unpack cifar-10-binary.tar.gz again")),
        None => Ok(files),
    }
}

/// The first `limit` rows of the files.
pub fn read(files: &[PathBuf], limit: usize) -> Result<Rows, DataError> {
    let mut rows = Rows::default();
    for file in files {
        let bytes = read_file(file).map_err(|e| DataError::new(format!("cannot be read: {e}")).in_file(file))?;
        if bytes.is_empty() || bytes.len() % RECORD != 0 {
            return Err(DataError::new(format!(
                "{} bytes are no whole number of records of {RECORD} bytes: row {} is cut off",
                bytes.len(),
                bytes.len() / RECORD
            ))
            .in_file(file)
            .help("the file is truncated or no CIFAR-10 binary file; fetch it again"));
        }
        for (row, record) in bytes.chunks_exact(RECORD).enumerate().take(limit - rows.labels.len()) {
            let label = check_label(i64::from(record[0])).map_err(|e| e.in_file(file).at_row(row))?;
            rows.labels.push(Some(label));
            planes(&record[1..], &mut rows.bytes);
        }
    }
    Ok(rows)
}
