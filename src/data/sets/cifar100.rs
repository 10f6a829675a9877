//! `cifar100`: a hundred classes of small photographs, from the original binary files.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::cifar10::{SIDE, planes};
use super::{Facts, Set, each, named_classes};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::data::augment::PixelNorm;
use crate::data::{Access, CHANNELS, DataError, DataSet, Frame, InMemory, Split};
use crate::source::read_file;

const COUNT: ParamType = ParamType::Int { min: 1, max: 10_000_000 };

/// The word `cifar100`.
pub static SET: Set = Set {
    entry: Entry {
        name: "cifar100",
        kind: Kind::DataSet,
        params: &[
            Param::required("path", ParamType::Path, "The folder with the files."),
            Param::optional(
                "labels",
                ParamType::Choice(&["fine", "coarse"]),
                "fine",
                "Which classes: a hundred, or the twenty that these belong to.",
            ),
            Param::optional("train", COUNT, "none", "Only this many training images, the first ones."),
            Param::optional("test", COUNT, "none", "Only this many test images, the first ones."),
        ],
        formula: "50,000 + 10,000 images of 32x32, 100 classes in 20",
        doc: "CIFAR-100 (Krizhevsky 2009) as the original binary files: train.bin, test.bin and the names of classes, \
              fine_label_names.txt and coarse_label_names.txt, in the folder or in cifar-100-binary/. As Parquet it is \
              read by `parquet`.",
    },
    look: |config| Ok(Facts::of_pictures(Frame::fixed((SIDE, SIDE)), Some(count(config)), norm())),
    // Files of these names are many things: those of the names of classes tell.
    seen: |path| folder(path).is_some_and(|folder| folder.join(NAMES[0]).is_file()),
    present: |config| [Split::Train, Split::Test].iter().try_for_each(|split| file(config, *split).map(|_| ())),
    open,
    both: |config, access| each(config, access, open),
};

/// The files that name classes.
const NAMES: [&str; 2] = ["fine_label_names.txt", "coarse_label_names.txt"];
const PIXELS: usize = SIDE * SIDE * CHANNELS;
/// A label of twenty, one of a hundred, and three planes.
const RECORD: usize = 2 + PIXELS;

/// Mean and standard deviation of the channels over the training images.
fn norm() -> PixelNorm {
    PixelNorm { mean: vec![0.5071, 0.4865, 0.4409], std: vec![0.2673, 0.2564, 0.2762] }
}

fn is_fine(config: &Config) -> bool {
    config.text("labels") != "coarse"
}

fn count(config: &Config) -> usize {
    if is_fine(config) { 100 } else { 20 }
}

/// The folder that has both files.
fn folder(path: &Path) -> Option<PathBuf> {
    let both = |folder: &PathBuf| ["train.bin", "test.bin"].iter().all(|name| folder.join(name).is_file());
    [path.to_owned(), path.join("cifar-100-binary")].into_iter().find(both)
}

fn file(config: &Config, split: Split) -> Result<PathBuf, DataError> {
    let path = Path::new(config.text("path"));
    let folder = folder(path).ok_or_else(|| {
        let help =
            "train.bin and test.bin are looked for, here and in cifar-100-binary/; unpack cifar-100-binary.tar.gz";
        DataError::new("holds no files of CIFAR-100").in_file(path).help(help)
    })?;
    Ok(folder.join(format!("{}.bin", split.name())))
}

fn open(config: &Config, split: Split, _: &Access) -> Result<Box<dyn DataSet>, DataError> {
    let file = file(config, split)?;
    let bytes = read_file(&file).map_err(|e| DataError::new(format!("cannot be read: {e}")).in_file(&file))?;
    if bytes.is_empty() || bytes.len() % RECORD != 0 {
        let message = format!("{} bytes are no whole number of records of {RECORD} bytes", bytes.len());
        let help = "the file is truncated or none of CIFAR-100; fetch it again";
        return Err(DataError::new(message).in_file(&file).help(help));
    }
    let limit = config.maybe_number(split.name()).map_or(usize::MAX, |n| n as usize);
    let (place, count) = (usize::from(is_fine(config)), count(config));
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for (row, record) in bytes.chunks_exact(RECORD).enumerate().take(limit) {
        let label = u32::from(record[place]);
        if label as usize >= count {
            let error = DataError::new(format!("label {label} is not one of 0 to {}", count - 1));
            return Err(error.in_file(&file).at_row(row));
        }
        labels.push(Some(label));
        planes(&record[2..], &mut pixels);
    }
    Ok(Box::new(InMemory {
        name: format!("cifar100 ({})", split.name()),
        size: (SIDE, SIDE),
        channels: CHANNELS,
        bytes: pixels,
        labels,
        classes: names(config, &file, count),
        mean_std: norm(),
        digests: OnceLock::new(),
    }))
}

/// The names of classes that stand beside a file; their numbers where these are missing.
fn names(config: &Config, file: &Path, count: usize) -> Vec<String> {
    let beside = file.with_file_name(NAMES[usize::from(!is_fine(config))]);
    named_classes(&beside, count).unwrap_or_else(|| (0..count).map(|class| class.to_string()).collect())
}
