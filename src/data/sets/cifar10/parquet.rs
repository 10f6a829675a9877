//! Hugging Face Parquet: a column of encoded images (`img.bytes` or `image.bytes`) and a column `label`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread::Builder;

use ::parquet::basic::Type;
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use rayon::prelude::*;

use super::{MOST, Rows, SIDE, check_label};
use crate::data::sets::READER_THREAD;
use crate::data::{CHANNELS, DataError, Image, Split};
use crate::source::open_file;
use crate::threads;

/// Rows that are read at a time.
const AT_ONCE: usize = 1024;

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
    let thread = Builder::new().name(READER_THREAD.to_owned());
    threads::apart(thread, |_| read()).unwrap_or_else(|_| Err(broken("its pages contradict each other")))
}

fn read_file(path: &Path, limit: usize, rows: &mut Rows) -> Result<(), DataError> {
    let file = open_file(path).map_err(|e| DataError::new(format!("cannot be opened: {e}")))?;
    let length = file.metadata().map_or(0, |m| m.len());
    let reader = SerializedFileReader::new(file).map_err(|e| {
        DataError::new(format!("is no readable Parquet file: {e}"))
            .help("the file is truncated, not Parquet, or a Git LFS pointer; fetch it again")
    })?;
    check_places(&reader, length)?;
    let (images, labels) = (column(&reader, &IMAGES)?, column(&reader, &LABELS)?);
    rows.classes = rows.classes.take().or_else(|| class_names(&reader));
    let mut first = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|e| damaged(first, &e))?;
        let count = (limit - rows.labels.len()).min(claimed(&*group, first)?);
        let mut images = Values::<ByteArrayType>::of(&*group, images, first, "image")?;
        let mut labels = Labels::of(&*group, labels, first)?;
        let last = first + count;
        while first < last {
            let some = (last - first).min(AT_ONCE);
            read_rows(&mut images, &mut labels, (first, some), rows)?;
            first += some;
        }
    }
    Ok(())
}

/// How many rows a group says it has: more than data sets have is damage, or meant to be.
fn claimed(group: &dyn RowGroupReader, first: usize) -> Result<usize, DataError> {
    let rows = group.metadata().num_rows();
    let some = usize::try_from(rows).ok().filter(|rows| first + rows <= MOST);
    some.ok_or_else(|| {
        broken(&format!(
            "its footer says that there are {rows} rows behind row {first}, and no more than {MOST} are read"
        ))
    })
}

/// Reads some rows from the first of them on. What a file says of their number is believed no further than that: memory is taken as
/// rows are found.
fn read_rows(
    images: &mut Values<ByteArrayType>,
    labels: &mut Labels,
    (first, count): (usize, usize),
    rows: &mut Rows,
) -> Result<(), DataError> {
    let missing = |row: usize| DataError::new("has no image").at_row(first + row);
    let encoded = images.next(count, first)?.into_iter().enumerate();
    let encoded = encoded.map(|(row, bytes)| bytes.ok_or_else(|| missing(row))).collect::<Result<Vec<_>, _>>()?;
    for (row, label) in labels.next(count, first)?.into_iter().enumerate() {
        rows.labels.push(label.map(check_label).transpose().map_err(|e| e.at_row(first + row))?);
    }
    decode(&encoded, first, &mut rows.bytes)
}

/// Labels, whatever whole numbers they are stored as.
enum Labels {
    Narrow(Values<Int32Type>),
    Wide(Values<Int64Type>),
}

impl Labels {
    fn of(group: &dyn RowGroupReader, column: usize, first: usize) -> Result<Self, DataError> {
        match group.metadata().column(column).column_descr().physical_type() {
            Type::INT32 => Values::of(group, column, first, "label").map(Self::Narrow),
            _ => Values::of(group, column, first, "label").map(Self::Wide),
        }
    }

    fn next(&mut self, count: usize, first: usize) -> Result<Vec<Option<i64>>, DataError> {
        match self {
            Self::Narrow(labels) => {
                Ok(labels.next(count, first)?.into_iter().map(|label| label.map(i64::from)).collect())
            }
            Self::Wide(labels) => labels.next(count, first),
        }
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

/// The values of a column of one row group, from the first on.
struct Values<T: DataType> {
    reader: ColumnReaderImpl<T>,
    /// The level of definition of a value that is there.
    whole: i16,
    what: &'static str,
}

impl<T: DataType> Values<T> {
    fn of(group: &dyn RowGroupReader, column: usize, first: usize, what: &'static str) -> Result<Self, DataError> {
        let described = group.metadata().column(column).column_descr();
        let (stored, wanted) = (described.physical_type(), T::get_physical_type());
        if stored != wanted {
            return Err(DataError::new(format!("the {what} column holds {stored}, not {wanted}")));
        }
        let reader: ColumnReader = group.get_column_reader(column).map_err(|e| damaged(first, &e))?;
        let reader = T::get_column_reader(reader)
            .ok_or_else(|| DataError::new(format!("the {what} column cannot be read as {wanted}")))?;
        Ok(Self { reader, whole: described.max_def_level(), what })
    }

    /// The next `count` values, which are those of the rows from `first` on; `None` where one is missing.
    fn next(&mut self, count: usize, first: usize) -> Result<Vec<Option<T::T>>, DataError> {
        let (mut present, mut values) = (Vec::new(), Vec::new());
        while present.len().max(values.len()) < count {
            let before = present.len().max(values.len());
            let read = self.reader.read_records(count - before, Some(&mut present), None, &mut values);
            let (records, ..) = read.map_err(|e| damaged(first + before, &e))?;
            if records == 0 {
                let what = self.what;
                return Err(
                    DataError::new(format!("the {what} column ends before its last row")).at_row(first + before)
                );
            }
        }
        if self.whole == 0 {
            return Ok(values.into_iter().map(Some).collect());
        }
        // Only values that are there are stored.
        let mut stored = values.into_iter();
        Ok(present.into_iter().map(|level| if level == self.whole { stored.next() } else { None }).collect())
    }
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
