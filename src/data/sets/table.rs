//! `table`: a list of pictures in a CSV file, with columns of classes, groups and parts.

use std::path::Path;

use super::Set;
use super::folder::File;
use super::pool::{self, CHANNEL_COUNT, MAX_PIXELS, MEAN, MOST, Pool, SEED, SIZE, STD, Sample, TEST};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::data::DataError;
use crate::source::open_file;

/// The word `table`.
pub const SET: Set = Set {
    entry: Entry {
        name: "table",
        kind: Kind::DataSet,
        params: &[
            Param::required("path", ParamType::Path, "The CSV file; its first line names the columns."),
            SIZE,
            CHANNEL_COUNT,
            Param::optional(
                "image",
                ParamType::Text,
                "none",
                "The column of paths, relative to the file; found by usual names, such as path, image and file.",
            ),
            Param::optional(
                "label",
                ParamType::Text,
                "none",
                "The column of classes; found by usual names, such as label.",
            ),
            Param::optional(
                "split",
                ParamType::Text,
                "none",
                "The column that says train or test (val, valid, validation); found by the name split.",
            ),
            Param::optional(
                "group",
                ParamType::Text,
                "none",
                "The column of what pictures belong to, such as a patient: all of one stay on one side of the split.",
            ),
            TEST,
            MOST,
            SEED,
            MEAN,
            STD,
            MAX_PIXELS,
        ],
        formula: "rows -> pictures [H, W, C] of any size",
        doc: "A list of picture files with what is known of each. A row without a class has none.",
    },
    look: |config| pool::look(config, found),
    seen: |path| path.is_file() && path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")),
    present: |config| found(config).map(|_| ()),
    open: |config, split, access| Ok(found(config)?.open(config, split, access)),
    both: |config, access| Ok(found(config)?.both(config, access)),
};

/// Usual names of columns, in lower case.
const IMAGES: &[&str] = &["path", "image", "file", "filename", "file_name", "filepath", "image_path", "img"];
const LABELS: &[&str] = &["label", "class", "target", "category", "label_name", "class_name"];
const SPLITS: &[&str] = &["split", "subset"];

/// What says that a row is for testing, and what that it is for training.
const TESTING: &[&str] = &["test", "val", "valid", "validation"];
const TRAINING: &[&str] = &["train", "training"];

/// The places of the columns.
struct Columns {
    image: usize,
    label: Option<usize>,
    split: Option<usize>,
    group: Option<usize>,
}

fn found(config: &Config) -> Result<Pool<File>, DataError> {
    let path = Path::new(config.text("path"));
    read(config, path).and_then(|pool| pool.sound(config)).map_err(|error| error.in_file(path))
}

fn read(config: &Config, path: &Path) -> Result<Pool<File>, DataError> {
    let failed = |e: csv::Error| DataError::new(format!("is no readable table: {e}"));
    let file = open_file(path).map_err(|e| DataError::new(format!("cannot be read: {e}")))?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let columns = columns(config, reader.headers().map_err(failed)?)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(failed)?;
        let text =
            |column: Option<usize>| column.and_then(|c| record.get(c)).filter(|t| !t.is_empty()).map(str::to_owned);
        let name = text(Some(columns.image)).ok_or_else(|| DataError::new("has no path").at_row(row))?;
        let place = folder.join(&name);
        // One that is not there is told of when it is asked for.
        let length = std::fs::metadata(&place).map_or(0, |m| m.len());
        let group = columns.group.map(|_| text(columns.group).unwrap_or_else(|| name.clone()));
        let sample = Sample { class: text(columns.label), group, place: File { path: place, length }, name };
        match text(columns.split).map(|part| part.to_ascii_lowercase()) {
            Some(part) if TESTING.contains(&part.as_str()) => test.push(sample),
            Some(part) if !TRAINING.contains(&part.as_str()) => {
                return Err(DataError::new(format!("`{part}` is neither train nor test")).at_row(row));
            }
            _ => train.push(sample),
        }
    }
    if test.is_empty() {
        Pool::by_share(train, config)
    } else {
        Ok(Pool { train, test, classes: None, notes: Vec::new() })
    }
}

fn columns(config: &Config, header: &csv::StringRecord) -> Result<Columns, DataError> {
    let names: Vec<String> = header.iter().map(str::to_ascii_lowercase).collect();
    let column = |argument: &str, usual: &[&str]| match config.text(argument) {
        "" => Ok(usual.iter().find_map(|usual| names.iter().position(|name| name == usual))),
        said => match header.iter().position(|name| name == said) {
            Some(at) => Ok(Some(at)),
            None => Err(missing(said, header)),
        },
    };
    Ok(Columns {
        image: column("image", IMAGES)?
            .ok_or_else(|| missing("path", header).help("say which by `image: \"NAME\"`"))?,
        label: column("label", LABELS)?,
        split: column("split", SPLITS)?,
        group: column("group", &[])?,
    })
}

fn missing(name: &str, header: &csv::StringRecord) -> DataError {
    let names: Vec<&str> = header.iter().collect();
    DataError::new(format!("has no column `{name}`; its columns: {}", names.join(", ")))
}
