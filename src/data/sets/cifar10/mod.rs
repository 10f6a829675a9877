//! `cifar10`: ten classes of small photographs, from Parquet or from the original binary files.

mod binary;
mod parquet;

pub(super) use binary::planes;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::parquet::shards;
use super::{Facts, Set, each};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::data::augment::PixelNorm;
use crate::data::dataset::InMemory;
use crate::data::{Access, CHANNELS, DataError, DataSet, Frame, Split};

/// The most images of a split.
const MOST: usize = 10_000_000;
const COUNT: ParamType = ParamType::Int { min: 1, max: MOST as i64 };

/// The word `cifar10`.
pub static SET: Set = Set {
    entry: Entry {
        name: "cifar10",
        kind: Kind::DataSet,
        params: &[
            Param::required("path", ParamType::Path, "The folder with the files."),
            Param::optional("train", COUNT, "none", "Only this many training images, the first ones."),
            Param::optional("test", COUNT, "none", "Only this many test images, the first ones."),
        ],
        formula: "50,000 + 10,000 images of 32x32, 10 classes",
        doc: "CIFAR-10 (Krizhevsky 2009): as Hugging Face Parquet (train*.parquet, test*.parquet, in the folder or in \
              data/), or as the original binary files (data_batch_1.bin ... data_batch_5.bin, test_batch.bin, in the \
              folder or in cifar-10-batches-bin/).",
    },
    look: |_| Ok(Facts::of_pictures(Frame::fixed((SIDE, SIDE)), Some(CLASSES.len()), norm())),
    // Parquet may hold any pictures: only the names of the binary files tell.
    seen: |path| {
        [path.to_owned(), path.join("cifar-10-batches-bin")].iter().any(|p| p.join("data_batch_1.bin").is_file())
    },
    present: |config| {
        [Split::Train, Split::Test]
            .iter()
            .try_for_each(|split| find(Path::new(config.text("path")), *split).map(|_| ()))
    },
    open,
    both: |config, access| each(config, access, open),
};

const CLASSES: [&str; 10] = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Mean and standard deviation of the channels over the training images, as everybody uses them.
const MEAN_STD: ([f32; CHANNELS], [f32; CHANNELS]) = ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]);

fn norm() -> PixelNorm {
    PixelNorm { mean: MEAN_STD.0.to_vec(), std: MEAN_STD.1.to_vec() }
}

/// Height and width.
pub(super) const SIDE: usize = 32;

/// What a reader of one format hands back.
#[derive(Default)]
struct Rows {
    bytes: Vec<u8>,
    labels: Vec<Option<u32>>,
    classes: Option<Vec<String>>,
}

fn open(config: &Config, split: Split, _: &Access) -> Result<Box<dyn DataSet>, DataError> {
    let path = Path::new(config.text("path"));
    let limit = config.maybe_number(split.name()).map_or(usize::MAX, |n| n as usize);
    let rows = match find(path, split)? {
        Files::Parquet(files) => parquet::read(&files, limit)?,
        Files::Binary(files) => binary::read(&files, limit)?,
    };
    Ok(Box::new(InMemory {
        name: format!("cifar10 ({})", split.name()),
        size: (SIDE, SIDE),
        channels: CHANNELS,
        bytes: rows.bytes,
        labels: rows.labels,
        classes: rows.classes.unwrap_or_else(|| CLASSES.map(String::from).to_vec()),
        mean_std: norm(),
        digests: OnceLock::new(),
    }))
}

/// The files of a split.
enum Files {
    Parquet(Vec<PathBuf>),
    Binary(Vec<PathBuf>),
}

/// Finds a split's files in a folder.
fn find(path: &Path, split: Split) -> Result<Files, DataError> {
    if path.is_file() {
        let help = "give the folder that holds a file for each split, such as train.parquet and test.parquet";
        let error = DataError::new("is one file: what it holds would be both training and test split");
        return Err(error.in_file(path).help(help));
    }
    let mut seen = Vec::new();
    for folder in [path.to_owned(), path.join("data"), path.join("cifar-10-batches-bin")] {
        let names = list(&folder).or_else(|e| if folder == path { Err(e) } else { Ok(Vec::new()) })?;
        let take = |wanted: &dyn Fn(&str) -> bool| -> Vec<PathBuf> {
            names.iter().filter(|n| wanted(n)).map(|n| folder.join(n)).collect()
        };
        let parquet = take(&|n| n.starts_with(split.name()) && n.ends_with(".parquet"));
        if !parquet.is_empty() {
            return shards(parquet, &folder, split).map(Files::Parquet);
        }
        let binary = take(&|n| binary::names(split).contains(&n));
        if !binary.is_empty() {
            return binary::complete(&folder, split).map(Files::Binary);
        }
        seen.extend(names);
    }
    Err(nothing(path, split, &seen))
}

/// The names in a folder, sorted.
fn list(folder: &Path) -> Result<Vec<String>, DataError> {
    let fault = |e: std::io::Error| {
        DataError::new(format!("cannot be read: {e}"))
            .in_file(folder)
            .help("give the folder that holds the CIFAR-10 files")
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        names.push(entry.map_err(fault)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn nothing(path: &Path, split: Split, seen: &[String]) -> DataError {
    let split = split.name();
    let found = match seen {
        [] => "the folder is empty".to_string(),
        _ => format!("it holds {}", seen.iter().take(5).cloned().collect::<Vec<_>>().join(", ")),
    };
    let binary = if split == "train" { "data_batch_1.bin ... data_batch_5.bin" } else { "test_batch.bin" };
    DataError::new(format!("no CIFAR-10 {split} files: {found}"))
        .in_file(path)
        .help(format!("{split}*.parquet or {binary} is looked for, here, in data/ and in cifar-10-batches-bin/"))
}

/// A label as stored, checked.
fn check_label(label: i64) -> Result<u32, DataError> {
    u32::try_from(label)
        .ok()
        .filter(|&l| (l as usize) < CLASSES.len())
        .ok_or_else(|| DataError::new(format!("label {label} is not one of 0 to {}", CLASSES.len() - 1)))
}
