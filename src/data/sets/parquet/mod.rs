//! `parquet`: pictures and labels in the columns of Parquet files, as the Hugging Face hub has them.

mod cache;
mod columns;
mod pages;
mod records;
mod shards;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::data_type::ByteArray;

use cache::Cache;
pub use columns::{Chunk, Label, Wanted, read as read_columns};
use pages::Pages;
pub use records::read_records;
pub use shards::shards;

use super::Set;
use super::pool::{
    self, Bytes, CHANNEL_COUNT, Files, MAX_PIXELS, MEAN, MOST, Pool, SEED, SIZE, STD, Sample, TEST, files, holds,
};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::data::{Access, DataError, Split};
use crate::random::Digest;

/// The word `parquet`.
pub static SET: Set = Set {
    entry: Entry {
        name: "parquet",
        kind: Kind::DataSet,
        params: &[
            Param::required("path", ParamType::Path, "A file, or the folder with the files."),
            SIZE,
            CHANNEL_COUNT,
            Param::optional(
                "image",
                ParamType::Text,
                "none",
                "The column of encoded pictures, or of structs with `bytes`; found by usual names, such as image and img.",
            ),
            Param::optional(
                "label",
                ParamType::Text,
                "none",
                "The column of classes, numbers or names; found by usual names, such as label and fine_label.",
            ),
            TEST,
            MOST,
            SEED,
            MEAN,
            STD,
            MAX_PIXELS,
        ],
        formula: "rows -> pictures [H, W, C] of any size",
        doc: "Encoded pictures in Parquet files with any compression. Files called train*.parquet and test*.parquet \
              (validation, valid, val), in the folder or in data/, are the two parts, each of one file or of numbered \
              ones; of others, `test` says how large a share is judged on. Rows with the same picture count once. A \
              negative label is none.",
    },
    look: |config| pool::look(config, |config| found(config, &LOOKING)),
    seen: |path| holds(path, "parquet"),
    present: |config| complete(Path::new(config.text("path"))).map(|_| ()),
    open: |config, split, access| Ok(found(config, access)?.open(config, split, access)),
    both: |config, access| Ok(found(config, access)?.both(config, access)),
};

/// Usual names of columns.
const IMAGES: &[&str] =
    &["image", "img", "images", "picture", "photo", "pixels", "bytes", "jpg", "jpeg", "png", "webp"];
const LABELS: &[&str] = &["label", "labels", "fine_label", "class", "target", "category", "cls"];

fn found(config: &Config, access: &Access) -> Result<Pool<Row>, DataError> {
    let path = Path::new(config.text("path"));
    let files = complete(path)?;
    let mut rows = Rows::new(config, &files, access.encoded);
    let mut pool = match files {
        Files::Divided(train, test) => {
            let (train, test) = (rows.read(&train)?, rows.read(&test)?);
            Pool { train, test, classes: None, notes: Vec::new() }
        }
        Files::Whole(files) => Pool::by_share(rows.read(&files)?, config)?,
    };
    pool.classes = rows.classes(pool.train.len() + pool.test.len()).map_err(|e| e.in_file(path))?;
    if let Some(names) = &pool.classes {
        let name = |class: &String| class.parse::<usize>().ok().and_then(|number| names.get(number)).cloned();
        pool.train.iter_mut().chain(&mut pool.test).for_each(|s| s.class = s.class.as_ref().and_then(name));
    }
    pool.notes.extend(
        (rows.twice > 0).then(|| format!("{} rows have the picture of another one: they count once", rows.twice)),
    );
    pool.sound(config).map_err(|error| error.in_file(path))
}

/// The files at a path, each part complete.
fn complete(path: &Path) -> Result<Files, DataError> {
    let folder = |files: &[PathBuf]| files.first().and_then(|f| f.parent()).unwrap_or(path).to_owned();
    match files(path, "parquet")? {
        Files::Divided(train, test) => {
            let folder = folder(&train);
            Ok(Files::Divided(shards(train, &folder, Split::Train)?, shards(test, &folder, Split::Test)?))
        }
        whole => Ok(whole),
    }
}

/// What is looked at before a run begins is not kept: it is no more than this at a time.
const LOOKING: Access = Access { cache: 0, encoded: 1 << 28, strict: false };
/// The bytes of pages that are kept at least: what is read in its order is read once.
const LEAST: u64 = 1 << 26;

/// A picture of a row.
#[derive(Clone)]
pub struct Row {
    place: Place,
    digest: u64,
}

/// Where the encoded bytes of a picture are.
#[derive(Clone)]
enum Place {
    /// In the memory that its file was read to.
    Memory(ByteArray),
    /// In a row of its file.
    File(Arc<Pages>, usize),
}

impl Bytes for Row {
    fn bytes(&self) -> Result<Cow<'_, [u8]>, DataError> {
        match &self.place {
            Place::Memory(bytes) => Ok(Cow::Borrowed(bytes.data())),
            Place::File(pages, row) => pages.picture(*row).map(Cow::Owned),
        }
    }

    fn hint(&self) -> u64 {
        self.digest
    }
}

/// What is read of files, one after the other.
struct Rows<'a> {
    image: Vec<&'a str>,
    label: Vec<&'a str>,
    labelled: bool,
    names: Option<Vec<String>>,
    /// Numbers that stand for classes.
    numbers: BTreeSet<i64>,
    twice: usize,
    /// Where pages are kept that are read when they are asked for; none of a small set.
    cache: Option<Arc<Cache>>,
    /// How many files have been read.
    files: usize,
}

impl<'a> Rows<'a> {
    fn new(config: &'a Config, files: &Files, most: u64) -> Self {
        let columns = |name: &'a str, usual: &[&'static str]| match config.text(name) {
            "" => usual.to_vec(),
            said => vec![said],
        };
        let labelled = !config.text("label").is_empty();
        let (image, label) = (columns("image", IMAGES), columns("label", LABELS));
        let bytes = |file: &PathBuf| std::fs::metadata(file).map_or(0, |m| m.len());
        let all: u64 = files.all().map(bytes).sum();
        let cache = (all > most).then(|| Cache::new(most.max(LEAST)));
        Self { image, label, labelled, names: None, numbers: BTreeSet::new(), twice: 0, cache, files: 0 }
    }

    /// The rows of the files of one part; those with the same picture once.
    fn read(&mut self, files: &[PathBuf]) -> Result<Vec<Sample<Row>>, DataError> {
        let (mut samples, mut known) = (Vec::new(), HashSet::new());
        for file in files {
            let within: Vec<String> = self.image.iter().map(|name| format!("{name}.bytes")).collect();
            let images: Vec<&str> =
                within.iter().zip(&self.image).flat_map(|(within, name)| [within.as_str(), name]).collect();
            let wanted = Wanted { images: &images, labels: &self.label, labelled: self.labelled, limit: usize::MAX };
            let title = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let pages = |cache| Pages::open(file, &images, self.files, cache).map(Arc::new);
            let pages = self.cache.as_ref().map(pages).transpose()?;
            self.files += 1;
            let (numbers, twice) = (&mut self.numbers, &mut self.twice);
            let names = read_columns(file, &wanted, &mut |chunk: Chunk| {
                for (row, (bytes, label)) in chunk.images.into_iter().zip(chunk.labels).enumerate() {
                    let mut digest = Digest::new();
                    let bytes = bytes.unwrap_or_else(|| ByteArray::from(Vec::new()));
                    digest.bytes(bytes.data());
                    let digest = digest.finish();
                    // Rows without a picture are told of when they are asked for, each.
                    if !bytes.is_empty() && !known.insert(digest) {
                        *twice += 1;
                        continue;
                    }
                    let class = label.and_then(|label| class(label, numbers));
                    let name = format!("{title}, row {}", chunk.first + row);
                    let place = match &pages {
                        Some(pages) => Place::File(pages.clone(), chunk.first + row),
                        None => Place::Memory(bytes),
                    };
                    samples.push(Sample { name, class, group: None, place: Row { place, digest } });
                }
                Ok(())
            })?;
            self.names = self.names.take().or(names);
        }
        Ok(samples)
    }

    /// The names of classes by their numbers; nothing where labels are names.
    fn classes(&self, most: usize) -> Result<Option<Vec<String>>, DataError> {
        let Some(&last) = self.numbers.last() else { return Ok(None) };
        let count = self.names.as_ref().map_or(last as usize + 1, Vec::len);
        if last as usize >= count {
            return Err(DataError::new(format!("label {last} is not one of the {count} classes that the file lists")));
        }
        if count > most.max(1000) {
            return Err(DataError::new(format!("labels reach {last}, which is no number of a class"))
                .help("name another column, as in `label: \"class\"`"));
        }
        // Two classes of one name would be one.
        let name = |number: usize| match &self.names {
            Some(names) if names.iter().filter(|n| **n == names[number]).count() == 1 => names[number].clone(),
            _ => number.to_string(),
        };
        Ok(Some((0..count).map(name).collect()))
    }
}

/// The class of a label by name: its number as text, until the names of numbers are known. Negative numbers are none.
fn class(label: Label, numbers: &mut BTreeSet<i64>) -> Option<String> {
    match label {
        Label::Name(name) => Some(name),
        Label::Number(number) if number < 0 => None,
        Label::Number(number) => {
            numbers.insert(number);
            Some(number.to_string())
        }
    }
}
