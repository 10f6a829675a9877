//! `table`: rows of a CSV or Parquet file: pictures, with columns of classes, groups and parts, and any others that recipes name.

mod columns;
mod csv;
mod picture;
mod records;
mod set;
mod sheet;

use std::path::Path;
use std::sync::Arc;

use columns::Columns;
use picture::{Picture, Place};
use set::Part;
use sheet::{Cell, Row, Sheet};

use super::pool::{self, CHANNEL_COUNT, MAX_PIXELS, MEAN, MOST, Pool, SEED, SIZE, STD, Sample, TEST};
use super::{Both, Set};
use crate::catalog::{Arg, Config, Entry, Kind, Param, ParamType};
use crate::data::{Access, DataError, DataSet, Split, Tokens, tokens};

/// The word `table`.
pub static SET: Set = Set {
    entry: Entry {
        name: "table",
        kind: Kind::DataSet,
        params: &[
            Param::required(
                "path",
                ParamType::Path,
                "The CSV file, whose first line names the columns, or the Parquet file or folder.",
            ),
            SIZE,
            CHANNEL_COUNT,
            Param::optional(
                "image",
                ParamType::Text,
                "none",
                "The column of pictures: of paths relative to the file, or of encoded pictures; found by usual names, such as path, image \
                 and file. The empty text \"\" where there are no pictures.",
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
            Param::optional(
                "pictures",
                ParamType::Texts,
                "none",
                "Further columns of pictures, for `views { u: batch.NAME }`.",
            ),
            Param::optional(
                "classes",
                ParamType::Texts,
                "none",
                "Further columns of classes: `batch.NAME` is their number.",
            ),
            Param::optional(
                "length",
                tokens::LENGTH,
                "128",
                "How many numbers a text becomes; a longer one is cut off.",
            ),
            tokens::TOKENIZER,
            Param::optional(
                "missing",
                ParamType::Choice(&["error", "drop"]),
                "error",
                "What is done of rows without a value in some column: an error where a recipe reads it, or they are left out.",
            ),
        ],
        formula: "rows -> pictures [H, W, C] of any size; batch.NAME for every column",
        doc: "A list of pictures with what is known of each. A row without a class has none. Every other column is \
              `batch.NAME`: numbers, lists of as many numbers, text as the numbers of its bytes or tokens. What is no \
              letter or digit in a name is `_`.",
    },
    look: |config| {
        tokens_of(config)?;
        let table = found(config).ok();
        let columns = table.as_ref().map(|table| table.columns.about.clone());
        let facts = pool::look_at(config, table.map(|table| table.pool))?;
        Ok(super::Facts { columns, ..facts })
    },
    seen: |path| {
        let ends = |ending: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
        path.is_file() && (ends("csv") || ends("tsv"))
    },
    present: |config| found(config).map(|_| ()),
    open: |config, split, access| {
        let (train, test) = found(config)?.both(config, access);
        Ok(if split == Split::Train { train } else { test })
    },
    both: |config, access| Ok(found(config)?.both(config, access)),
};

/// Usual names of columns, in lower case.
const IMAGES: &[&str] = &["path", "image", "file", "filename", "file_name", "filepath", "image_path", "img"];
const LABELS: &[&str] = &["label", "class", "target", "category", "label_name", "class_name"];
const SPLITS: &[&str] = &["split", "subset"];

/// What says that a row is for testing, and what that it is for training.
const TESTING: &[&str] = &["test", "val", "valid", "validation"];
const TRAINING: &[&str] = &["train", "training"];

/// A table in two parts.
struct Table {
    pool: Pool<Place>,
    columns: Arc<Columns>,
    pictured: bool,
}

/// The places of the columns that say what a row is.
struct Roles {
    image: Option<usize>,
    label: Option<usize>,
    split: Option<usize>,
    group: Option<usize>,
}

fn tokens_of(config: &Config) -> Result<Tokens, DataError> {
    Tokens::new(config.int("length"), config.text("tokenizer"))
}

fn found(config: &Config) -> Result<Table, DataError> {
    let path = Path::new(config.text("path"));
    read(config, path).map_err(|error| if error.file.is_some() { error } else { error.in_file(path) })
}

fn read(config: &Config, path: &Path) -> Result<Table, DataError> {
    let mut sheet = Sheet::read(path)?;
    let roles = roles(config, &sheet.names)?;
    let but = [roles.image, roles.label, roles.split, roles.group];
    let mut columns = Columns::of(&sheet, &but, config, tokens_of(config)?)?;
    let pictureless = |row: &Row| roles.image.is_some_and(|c| matches!(row.cells.get(c), None | Some(Cell::Missing)));
    columns.lacking.iter_mut().zip(&sheet.rows).for_each(|(lacking, row)| *lacking |= pictureless(row));
    if config.text("missing") == "drop" && columns.lacking.contains(&true) {
        let (before, mut lacking) = (sheet.rows.len(), columns.lacking.iter());
        sheet.rows.retain(|_| lacking.next() == Some(&false));
        columns = Columns::of(&sheet, &but, config, tokens_of(config)?)?;
        columns.notes.push(format!("{} of {before} rows lack a value: they are left out", before - sheet.rows.len()));
    }
    let notes = std::mem::take(&mut columns.notes);
    let mut pool = divided(config, &sheet, &roles)?.sound(config)?;
    pool.notes.extend(notes);
    Ok(Table { pool, columns: Arc::new(columns), pictured: roles.image.is_some() })
}

/// The rows in two parts.
fn divided(config: &Config, sheet: &Sheet, roles: &Roles) -> Result<Pool<Place>, DataError> {
    let (mut train, mut test) = (Vec::new(), Vec::new());
    let whole = |row: &Row| row.text(roles.label).and_then(|label| label.parse::<u32>().ok());
    let numbered = sheet.typed && roles.label.is_some_and(|c| sheet.column(c).all(|c| matches!(c, Cell::Number(_))));
    let classes = numbered.then(|| sheet.rows.iter().filter_map(whole).max()).flatten().filter(|last| *last < 1 << 16);
    for (place, row) in sheet.rows.iter().enumerate() {
        let sample = sample(sheet, roles, place)?;
        let part = row.text(roles.split).map(|part| part.to_ascii_lowercase());
        match part {
            Some(part) if TESTING.contains(&part.as_str()) => test.push(sample),
            Some(part) if !TRAINING.contains(&part.as_str()) => {
                return Err(DataError::new(format!("`{part}` is neither train nor test")).at_row(row.number));
            }
            None if row.testing == Some(true) => test.push(sample),
            _ => train.push(sample),
        }
    }
    let mut pool = match test.is_empty() {
        true => Pool::by_share(train, config)?,
        false => Pool { train, test, classes: None, notes: Vec::new() },
    };
    pool.classes = classes.map(|last| (0..=last).map(|class| class.to_string()).collect());
    Ok(pool)
}

/// What a row is: its picture, class and group.
fn sample(sheet: &Sheet, roles: &Roles, place: usize) -> Result<Sample<Place>, DataError> {
    let row = &sheet.rows[place];
    let cell = roles.image.and_then(|column| row.cells.get(column));
    let picture = cell.map_or(Picture::None, |cell| Picture::of(cell, &sheet.folder));
    let name = match cell {
        Some(Cell::Missing) => return Err(DataError::new("has no path").at_row(row.number)),
        Some(Cell::Text(path)) => path.clone(),
        _ => format!("row {}", row.number),
    };
    let group = roles.group.map(|_| row.text(roles.group).unwrap_or_else(|| name.clone()));
    Ok(Sample { class: row.text(roles.label), group, place: Place { row: place, picture }, name })
}

fn roles(config: &Config, names: &[String]) -> Result<Roles, DataError> {
    let lower: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    let column = |argument: &str, usual: &[&str]| match config.text(argument) {
        "" => Ok(usual.iter().find_map(|usual| lower.iter().position(|name| name == usual))),
        said => match names.iter().position(|name| name == said) {
            Some(at) => Ok(Some(at)),
            None => Err(missing(said, names)),
        },
    };
    let image = match config.arg("image") {
        Arg::Text(none) if none.is_empty() => None,
        _ => Some(column("image", IMAGES)?.ok_or_else(|| {
            missing("path", names).help("say which by `image: \"NAME\"`; `image: \"\"` is a table without pictures")
        })?),
    };
    Ok(Roles { image, label: column("label", LABELS)?, split: column("split", SPLITS)?, group: column("group", &[])? })
}

fn missing(name: &str, names: &[String]) -> DataError {
    DataError::new(format!("has no column `{name}`; its columns: {}", names.join(", ")))
}

impl Table {
    /// Both parts as data sets.
    fn both(self, config: &Config, access: &Access) -> Both {
        let Self { pool, columns, pictured } = self;
        let pool = pool.limited(config);
        let rows = |part: &[Sample<Place>]| part.iter().map(|sample| sample.place.row).collect::<Vec<_>>();
        let (train, test) = (rows(&pool.train), rows(&pool.test));
        let kinds = 0..columns.about.len();
        let count = 1 + kinds.clone().filter(|&column| columns.pictures(column).is_some()).count();
        let access = Access { cache: access.cache / count as u64, ..*access };
        let (mut of_train, mut of_test) = (Vec::new(), Vec::new());
        for column in kinds {
            let (a, b) = further(&pool, &columns, column).map(|pool| pool.both(config, &access)).unzip();
            of_train.push(a);
            of_test.push(b);
        }
        let (first, second) = pool.both(config, &access);
        let part = |first, rows, pictures| {
            Box::new(Part { first, pictured, rows, columns: columns.clone(), pictures }) as Box<dyn DataSet>
        };
        (part(first, train, of_train), part(second, test, of_test))
    }
}

/// The same rows with the pictures of another column.
fn further(pool: &Pool<Place>, columns: &Columns, column: usize) -> Option<Pool<Place>> {
    let pictures = columns.pictures(column)?;
    let other = |sample: &Sample<Place>| {
        let place = Place { row: sample.place.row, picture: pictures[sample.place.row].clone() };
        Sample { name: format!("{}, {}", sample.name, columns.about[column].name), place, ..sample.clone() }
    };
    let part = |samples: &[Sample<Place>]| samples.iter().map(other).collect();
    Some(Pool { train: part(&pool.train), test: part(&pool.test), classes: pool.classes.clone(), notes: Vec::new() })
}
