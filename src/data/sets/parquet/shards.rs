//! Which files a split is made of.

use std::path::{Path, PathBuf};

use crate::data::{DataError, Split};

/// The files of one split in their order, if they are the parts of one set: a single file, or files whose names differ in one
/// number, `of` so many of them where the names say so.
pub fn shards(mut files: Vec<PathBuf>, folder: &Path, split: Split) -> Result<Vec<PathBuf>, DataError> {
    let name = |file: &PathBuf| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let whole = format!("{}.parquet", split.name());
    if let [_] = files.as_slice() {
        return complete(files, folder, split);
    }
    // Runs of digits are what parts differ in; what may stand behind `-of-NUMBER` is a checksum.
    let form = |file: &PathBuf| {
        let name = name(file);
        let told = name.split_once("-of-").map_or(name.as_str(), |(told, _)| told);
        told.split(|c: char| c.is_ascii_digit()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("0")
    };
    let first = files.first().map(&form);
    if files.iter().any(|file| Some(form(file)) != first || name(file) == whole) {
        let names: Vec<String> = files.iter().map(name).collect();
        let message = format!(
            "holds several files for the {} split, and which of them it is made of is open: {}",
            split.name(),
            names.join(", ")
        );
        let help = format!(
            "leave {whole}, or parts named {0}-00000-of-00002.parquet, {0}-00001-of-00002.parquet",
            split.name()
        );
        return Err(DataError::new(message).in_file(folder).help(help));
    }
    files.sort_by_key(|file| (name(file).len(), name(file)));
    complete(files, folder, split)
}

/// Complains where the names tell of parts that are not there.
fn complete(files: Vec<PathBuf>, folder: &Path, split: Split) -> Result<Vec<PathBuf>, DataError> {
    let of = |file: &PathBuf| {
        let name = file.file_name()?.to_string_lossy().into_owned();
        let (_, rest) = name.split_once("-of-")?;
        rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<usize>().ok()
    };
    match files.first().and_then(of) {
        Some(count) if count != files.len() => {
            let message = format!("holds {} of {count} parts of the {} split", files.len(), split.name());
            Err(DataError::new(message).in_file(folder).help("fetch the missing parts"))
        }
        _ => Ok(files),
    }
}
