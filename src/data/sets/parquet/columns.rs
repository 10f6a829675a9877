//! Reading Parquet: columns of encoded pictures and of labels, a thousand rows at a time.

use std::fs::File;
use std::path::Path;
use std::thread::Builder;

use ::parquet::basic::Type;
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

use crate::data::DataError;
use crate::data::sets::READER_THREAD;
use crate::source::open_file;
use crate::threads;

/// Rows that are read at a time, and how many bytes these have at most, if each has as many as another.
const AT_ONCE: usize = 1024;
const BYTES_AT_ONCE: usize = 1 << 24;
/// The most rows of a file.
const MOST: usize = 10_000_000;

/// In which columns pictures and labels are looked for: the first of these names that a file has.
pub struct Wanted<'a> {
    /// Names of columns of encoded pictures.
    pub images: &'a [&'a str],
    /// Names of columns of labels.
    pub labels: &'a [&'a str],
    /// Whether there must be labels.
    pub labelled: bool,
    /// The most rows that are read of a file.
    pub limit: usize,
}

/// A label as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// The number of a class.
    Number(i64),
    /// The name of a class.
    Name(String),
}

/// Some rows of a file.
pub struct Chunk {
    /// The first of them, from 0.
    pub first: usize,
    /// Encoded pictures; `None` where there is none.
    pub images: Vec<Option<ByteArray>>,
    /// Labels; `None` where there is none.
    pub labels: Vec<Option<Label>>,
}

/// Hands the rows of a file over in order; the names of classes that the file lists.
pub fn read(
    path: &Path,
    wanted: &Wanted,
    take: &mut (dyn FnMut(Chunk) -> Result<(), DataError> + Send),
) -> Result<Option<Vec<String>>, DataError> {
    apart(|| read_here(path, wanted, take)).map_err(|e| e.in_file(path))
}

/// Runs on a thread of its own, as the crate checks much, but not all, of what a file says of itself, and panics where that
/// is impossible: then the file is damaged, and what was read of it is dropped.
pub(super) fn apart<T: Send>(read: impl FnOnce() -> Result<T, DataError> + Send) -> Result<T, DataError> {
    let thread = Builder::new().name(READER_THREAD.to_owned());
    threads::apart(thread, |_| read()).unwrap_or_else(|_| Err(broken("its pages contradict each other")))
}

fn read_here(
    path: &Path,
    wanted: &Wanted,
    take: &mut (dyn FnMut(Chunk) -> Result<(), DataError> + Send),
) -> Result<Option<Vec<String>>, DataError> {
    let reader = opened(path)?;
    let place = column(&reader, wanted.images)?;
    let labels = match column(&reader, wanted.labels) {
        Err(_) if !wanted.labelled => None,
        found => Some(found?),
    };
    let mut first = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|e| damaged(first, &e))?;
        let count = (wanted.limit - first.min(wanted.limit)).min(claimed(&*group, first)?);
        let mut images = Values::<ByteArrayType>::of(&*group, place, first, "image")?;
        let mut labels = labels.map(|labels| Labels::of(&*group, labels, first)).transpose()?;
        let (last, at_once) = (first + count, at_once(&*group, place));
        while first < last {
            let some = (last - first).min(at_once);
            let labels = labels.as_mut().map(|labels| labels.next(some, first)).transpose()?;
            let labels = labels.unwrap_or_else(|| vec![None; some]);
            take(Chunk { first, images: images.next(some, first)?, labels })?;
            first += some;
        }
    }
    Ok(labels.and_then(|labels| class_names(&reader, labels)))
}

/// Opens a file, whose columns lie within it.
pub(super) fn opened(path: &Path) -> Result<SerializedFileReader<File>, DataError> {
    let file = open_file(path).map_err(|e| DataError::new(format!("cannot be opened: {e}")))?;
    let length = file.metadata().map_or(0, |m| m.len());
    let reader = SerializedFileReader::new(file).map_err(|e| {
        DataError::new(format!("is no readable Parquet file: {e}"))
            .help("the file is truncated, not Parquet, or a Git LFS pointer; fetch it again")
    })?;
    check_places(&reader, length)?;
    Ok(reader)
}

/// How many rows are read at a time of a group whose pictures have so many bytes together.
fn at_once(group: &dyn RowGroupReader, images: usize) -> usize {
    let bytes = usize::try_from(group.metadata().column(images).uncompressed_size()).unwrap_or(0);
    let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
    BYTES_AT_ONCE.saturating_mul(rows).checked_div(bytes).unwrap_or(AT_ONCE).clamp(1, AT_ONCE)
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

/// Labels, whatever they are stored as.
enum Labels {
    Narrow(Values<Int32Type>),
    Wide(Values<Int64Type>),
    Names(Values<ByteArrayType>),
}

impl Labels {
    fn of(group: &dyn RowGroupReader, column: usize, first: usize) -> Result<Self, DataError> {
        match group.metadata().column(column).column_descr().physical_type() {
            Type::INT32 => Values::of(group, column, first, "label").map(Self::Narrow),
            Type::BYTE_ARRAY => Values::of(group, column, first, "label").map(Self::Names),
            _ => Values::of(group, column, first, "label").map(Self::Wide),
        }
    }

    fn next(&mut self, count: usize, first: usize) -> Result<Vec<Option<Label>>, DataError> {
        let number = |label: Option<i64>| label.map(Label::Number);
        let name = |label: ByteArray| Label::Name(String::from_utf8_lossy(label.data()).into_owned());
        Ok(match self {
            Self::Narrow(labels) => {
                labels.next(count, first)?.into_iter().map(|label| number(label.map(i64::from))).collect()
            }
            Self::Wide(labels) => labels.next(count, first)?.into_iter().map(number).collect(),
            Self::Names(labels) => labels.next(count, first)?.into_iter().map(|label| label.map(name)).collect(),
        })
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

pub(super) fn broken(how: &str) -> DataError {
    DataError::new(format!("is damaged: {how}")).help("fetch it again")
}

/// The number of the first column that has one of these names.
pub(super) fn column(reader: &SerializedFileReader<File>, wanted: &[&str]) -> Result<usize, DataError> {
    let schema = reader.metadata().file_metadata().schema_descr();
    let names: Vec<String> = schema.columns().iter().map(|c| c.path().string()).collect();
    names.iter().position(|n| wanted.contains(&n.as_str())).ok_or_else(|| {
        DataError::new(format!("has no column `{}`; its columns: {}", wanted.join("` or `"), names.join(", ")))
            .help("a Hugging Face image data set has a struct column `img` or `image` and a column `label`")
    })
}

/// The class names that the `huggingface` entry of the metadata lists for a column.
fn class_names(reader: &SerializedFileReader<File>, label: usize) -> Option<Vec<String>> {
    let described = reader.metadata().file_metadata();
    let column = described.schema_descr().column(label).path().string();
    let text = described.key_value_metadata()?.iter().find(|kv| kv.key == "huggingface")?.value.as_ref()?;
    let info: serde_json::Value = serde_json::from_str(text).ok()?;
    let names = info.get("info")?.get("features")?.get(&column)?.get("names")?.as_array()?;
    names.iter().map(|n| n.as_str().map(String::from)).collect()
}

/// The values of a column of one row group, from the first on.
pub(super) struct Values<T: DataType> {
    reader: ColumnReaderImpl<T>,
    /// The level of definition of a value that is there.
    whole: i16,
    what: &'static str,
}

impl<T: DataType> Values<T> {
    pub(super) fn of(
        group: &dyn RowGroupReader,
        column: usize,
        first: usize,
        what: &'static str,
    ) -> Result<Self, DataError> {
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

    /// Leaves out so many values; the next one is of row `first`.
    pub(super) fn skip(&mut self, count: usize, first: usize) -> Result<(), DataError> {
        match self.reader.skip_records(count).map_err(|e| damaged(first, &e))? {
            skipped if skipped == count => Ok(()),
            _ => Err(DataError::new(format!("the {} column ends before its last row", self.what)).at_row(first)),
        }
    }

    /// The next `count` values, which are those of the rows from `first` on; `None` where one is missing.
    pub(super) fn next(&mut self, count: usize, first: usize) -> Result<Vec<Option<T::T>>, DataError> {
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

pub(super) fn damaged(row: usize, error: &ParquetError) -> DataError {
    if let ParquetError::NYI(what) = error {
        let message = format!("is stored in a way that cannot be read here: {what}");
        return DataError::new(message)
            .at_row(row)
            .help("write it with another compression or encoding, such as snappy");
    }
    let message = error.to_string();
    if let Some((_, codec)) = message.split_once("Disabled feature at compile time: ") {
        return DataError::new(format!("is packed with {codec}, and this sslrun was built without it")).help(format!(
            "build it with `--features {codec}`, or write the file with another compression, such as snappy"
        ));
    }
    DataError::new(format!("cannot be read from here on: {message}"))
        .at_row(row)
        .help("the file is damaged; fetch it again")
}
