//! Hugging Face Parquet: a column of encoded images (`img.bytes` or `image.bytes`) and a column `label`.

use std::fs::File;
use std::path::{Path, PathBuf};

use ::parquet::basic::Type;
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use rayon::prelude::*;

use super::{Rows, SIDE, check_label};
use crate::data::sets::READER_THREAD;
use crate::data::{CHANNELS, DataError, Image, Split};

const IMAGES: [&str; 2] = ["img.bytes", "image.bytes"];
const LABELS: [&str; 1] = ["label"];

/// The first `limit` rows of the files.
pub fn read(files: &[PathBuf], limit: usize) -> Result<Rows, DataError> {
    let mut rows = Rows::default();
    for file in files {
        apart(|| read_file(file, limit, &mut rows)).map_err(|e| e.in_file(file))?;
    }
    if rows.labels.is_empty() {
        let first = files.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
        return Err(DataError::new("holds no rows").in_file(first));
    }
    Ok(rows)
}

/// Runs on a thread of its own, as the crate checks much, but not all, of what a file says of itself, and panics where that
/// is impossible: then the file is damaged, and what was read of it is dropped.
fn apart(read: impl FnOnce() -> Result<(), DataError> + Send) -> Result<(), DataError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(READER_THREAD.to_owned()).spawn_scoped(scope, read);
        let thread = thread.map_err(|e| DataError::new(format!("cannot be read: {e}")))?;
        thread.join().unwrap_or_else(|_| Err(broken("its pages contradict each other")))
    })
}

fn read_file(path: &Path, limit: usize, rows: &mut Rows) -> Result<(), DataError> {
    let file = File::open(path).map_err(|e| DataError::new(format!("cannot be opened: {e}")))?;
    let reader = SerializedFileReader::new(file).map_err(|e| {
        DataError::new(format!("is no readable Parquet file: {e}"))
            .help("the file is truncated, not Parquet, or a Git LFS pointer; fetch it again")
    })?;
    check_places(&reader, std::fs::metadata(path).map_or(0, |m| m.len()))?;
    let (images, labels) = (column(&reader, &IMAGES)?, column(&reader, &LABELS)?);
    rows.classes = rows.classes.take().or_else(|| class_names(&reader));
    let mut first = 0;
    for group in 0..reader.num_row_groups() {
        let wanted = limit - rows.labels.len();
        if wanted == 0 {
            break;
        }
        let group = reader.get_row_group(group).map_err(|e| damaged(first, &e))?;
        let count = wanted.min(usize::try_from(group.metadata().num_rows()).unwrap_or(0));
        let encoded = values::<ByteArrayType>(&*group, images, count, first, "image")?;
        let missing = |row: usize| DataError::new("has no image").at_row(first + row);
        let encoded = encoded.into_iter().enumerate().map(|(row, bytes)| bytes.ok_or_else(|| missing(row)));
        let encoded = encoded.collect::<Result<Vec<_>, _>>()?;
        let classes = classes(&*group, labels, count, first)?;
        for (row, label) in classes.into_iter().enumerate() {
            rows.labels.push(label.map(check_label).transpose().map_err(|e| e.at_row(first + row))?);
        }
        decode(&encoded, first, &mut rows.bytes)?;
        first += count;
    }
    Ok(())
}

/// The labels of the first `count` rows of a group, whatever whole numbers they are stored as.
fn classes(
    group: &dyn RowGroupReader,
    column: usize,
    count: usize,
    first: usize,
) -> Result<Vec<Option<i64>>, DataError> {
    match group.metadata().column(column).column_descr().physical_type() {
        Type::INT32 => {
            let labels = values::<Int32Type>(group, column, count, first, "label")?;
            Ok(labels.into_iter().map(|label| label.map(i64::from)).collect())
        }
        _ => values::<Int64Type>(group, column, count, first, "label"),
    }
}

/// Column chunks outside of the file, which the crate would panic on or read in vain.
fn check_places(reader: &SerializedFileReader<File>, length: u64) -> Result<(), DataError> {
    for chunk in reader.metadata().row_groups().iter().flat_map(|group| group.columns()) {
        let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
        let end = start.checked_add(chunk.compressed_size());
        let inside = end.and_then(|end| u64::try_from(end).ok()).is_some_and(|end| end <= length);
        if start < 0 || chunk.compressed_size() < 0 || !inside {
            return Err(broken(&format!(
                "its footer puts the column `{}` outside of it",
                chunk.column_path().string()
            )));
        }
    }
    Ok(())
}

fn broken(how: &str) -> DataError {
    DataError::new(format!("is damaged: {how}")).help("fetch it again")
}

/// The number of the first column that has one of these names.
fn column(reader: &SerializedFileReader<File>, wanted: &[&str]) -> Result<usize, DataError> {
    let schema = reader.metadata().file_metadata().schema_descr();
    let names: Vec<String> = schema.columns().iter().map(|c| c.path().string()).collect();
    names.iter().position(|n| wanted.contains(&n.as_str())).ok_or_else(|| {
        DataError::new(format!("has no column `{}`; its columns: {}", wanted.join("` or `"), names.join(", ")))
            .help("a Hugging Face image data set has a struct column `img` or `image` and a column `label`")
    })
}

/// The class names that the `huggingface` entry of the metadata lists.
fn class_names(reader: &SerializedFileReader<File>) -> Option<Vec<String>> {
    let metadata = reader.metadata().file_metadata().key_value_metadata()?;
    let text = metadata.iter().find(|kv| kv.key == "huggingface")?.value.as_ref()?;
    let info: serde_json::Value = serde_json::from_str(text).ok()?;
    let names = info.pointer("/info/features/label/names")?.as_array()?;
    let names: Option<Vec<String>> = names.iter().map(|n| n.as_str().map(String::from)).collect();
    names.filter(|n| n.len() == super::CLASSES.len())
}

/// `count` values of a column of one row group; `None` where one is missing.
fn values<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    count: usize,
    first: usize,
    what: &str,
) -> Result<Vec<Option<T::T>>, DataError> {
    let stored = group.metadata().column(column).column_descr().physical_type();
    if stored != T::get_physical_type() {
        return Err(DataError::new(format!("the {what} column holds {stored}, not {}", T::get_physical_type())));
    }
    let reader: ColumnReader = group.get_column_reader(column).map_err(|e| damaged(first, &e))?;
    let Some(mut reader): Option<ColumnReaderImpl<T>> = T::get_column_reader(reader) else {
        return Err(DataError::new(format!("the {what} column cannot be read as {}", T::get_physical_type())));
    };
    let whole = group.metadata().column(column).column_descr().max_def_level();
    let (mut present, mut values) = (Vec::new(), Vec::new());
    while present.len().max(values.len()) < count {
        let before = present.len().max(values.len());
        let left = count - before;
        let read = reader.read_records(left, Some(&mut present), None, &mut values);
        let (records, ..) = read.map_err(|e| damaged(first + before, &e))?;
        if records == 0 {
            return Err(
                DataError::new(format!("the {what} column ends before its {count} rows")).at_row(first + before)
            );
        }
    }
    if whole == 0 {
        return Ok(values.into_iter().map(Some).collect());
    }
    // Only values that are there are stored.
    let mut stored = values.into_iter();
    Ok(present.into_iter().map(|level| if level == whole { stored.next() } else { None }).collect())
}

fn damaged(row: usize, error: &ParquetError) -> DataError {
    if let ParquetError::NYI(what) = error {
        let message = format!("is stored in a way that cannot be read here: {what}");
        return DataError::new(message)
            .at_row(row)
            .help("write it with another compression or encoding, such as snappy");
    }
    DataError::new(format!("cannot be read from here on: {error}"))
        .at_row(row)
        .help("the file is damaged; fetch it again")
}

/// Decodes images, in parallel, onto the end of `out`.
fn decode(encoded: &[ByteArray], first: usize, out: &mut Vec<u8>) -> Result<(), DataError> {
    let start = out.len();
    let length = SIDE * SIDE * CHANNELS;
    out.resize(start + encoded.len() * length, 0);
    let decode_one = |(row, (to, bytes)): (usize, (&mut [u8], &ByteArray))| {
        let image = Image::decode(bytes.data()).map_err(|e| e.at_row(first + row))?;
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
