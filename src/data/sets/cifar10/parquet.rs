//! Hugging Face Parquet: a column of encoded images (`img.bytes` or `image.bytes`) and a column `label`.

use std::path::{Path, PathBuf};

use ::parquet::data_type::ByteArray;
use rayon::prelude::*;

use super::{CLASSES, Rows, SIDE, check_label};
use crate::data::sets::parquet::{Chunk, Label, Wanted, read_columns};
use crate::data::{CHANNELS, DataError, Image, MOST_PIXELS};

/// The first `limit` rows of the files.
pub fn read(files: &[PathBuf], limit: usize) -> Result<Rows, DataError> {
    let mut rows = Rows::default();
    for file in files {
        let limit = limit - rows.labels.len();
        let wanted = Wanted { images: &["img.bytes", "image.bytes"], labels: &["label"], labelled: true, limit };
        let names = read_columns(file, &wanted, &mut |chunk| take(chunk, &mut rows))?;
        let names = names.filter(|names| names.len() == CLASSES.len());
        rows.classes = rows.classes.take().or(names);
    }
    if rows.labels.is_empty() {
        let first = files.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
        return Err(DataError::new("holds no rows").in_file(first));
    }
    Ok(rows)
}

/// Takes some rows in. What a file says of their number is believed no further than that: memory is taken as rows are found.
fn take(chunk: Chunk, rows: &mut Rows) -> Result<(), DataError> {
    let first = chunk.first;
    let missing = |row: usize| DataError::new("has no image").at_row(first + row);
    let encoded = chunk.images.into_iter().enumerate();
    let encoded = encoded.map(|(row, bytes)| bytes.ok_or_else(|| missing(row))).collect::<Result<Vec<_>, _>>()?;
    for (row, label) in chunk.labels.into_iter().enumerate() {
        let label = label.map(|label| match label {
            Label::Number(label) => check_label(label),
            Label::Name(name) => Err(DataError::new(format!("the label is \"{name}\", not a number"))),
        });
        rows.labels.push(label.transpose().map_err(|e| e.at_row(first + row))?);
    }
    decode(&encoded, first, &mut rows.bytes)
}

/// Decodes images, in parallel, onto the end of `out`.
fn decode(encoded: &[ByteArray], first: usize, out: &mut Vec<u8>) -> Result<(), DataError> {
    let start = out.len();
    let length = SIDE * SIDE * CHANNELS;
    out.resize(start + encoded.len() * length, 0);
    let decode_one = |(row, (to, bytes)): (usize, (&mut [u8], &ByteArray))| {
        let image = Image::decode(bytes.data(), MOST_PIXELS).map_err(|e| e.at_row(first + row))?;
        if (image.height, image.width) != (SIDE, SIDE) {
            let size = format!("is {}x{}, not {SIDE}x{SIDE}", image.height, image.width);
            return Err(DataError::new(size).at_row(first + row));
        }
        to.copy_from_slice(&image.data);
        Ok(())
    };
    // The first bad row is the one reported, however many threads there are.
    let results: Vec<_> = out[start..].par_chunks_mut(length).zip(encoded).enumerate().map(decode_one).collect();
    results.into_iter().collect()
}
