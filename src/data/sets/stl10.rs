//! `stl10`: ten classes of photographs of 96 pixels, most of them without a class, from the original binary files.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{Facts, Set, each, named_classes};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::data::augment::PixelNorm;
use crate::data::{Access, CHANNELS, DataError, DataSet, Frame, Image, Split};
use crate::random::Digest;
use crate::source::{open_file, read_file};

const COUNT: ParamType = ParamType::Int { min: 0, max: 10_000_000 };

/// The word `stl10`.
pub static SET: Set = Set {
    entry: Entry {
        name: "stl10",
        kind: Kind::DataSet,
        params: &[
            Param::required("path", ParamType::Path, "The folder with the files."),
            Param::optional(
                "unlabelled",
                COUNT,
                "none",
                "Only this many of the images without a class, the first ones.",
            ),
        ],
        formula: "5,000 + 100,000 without a class + 8,000 images of 96x96, 10 classes",
        doc: "STL-10 (Coates et al. 2011) as the original binary files: train_X.bin, train_y.bin, unlabeled_X.bin, test_X.bin, \
              test_y.bin, class_names.txt, in the folder or in stl10_binary/. It trains on the images of train_X.bin and, behind \
              them, those of unlabeled_X.bin, if that is there; probes learn from the former and are judged on test_X.bin. \
              Images are read where they lie when they are asked for.",
    },
    look: |_| Ok(Facts::of_pictures(Frame::fixed((SIDE, SIDE)), Some(CLASSES.len()), norm())),
    seen: |path| folder(path).is_some(),
    present: |config| found(config).map(|_| ()),
    open,
    both: |config, access| each(config, access, open),
};

/// The classes, where no file names them.
const CLASSES: [&str; 10] = ["airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"];
const SIDE: usize = 96;
const PLANE: usize = SIDE * SIDE;
const RECORD: usize = CHANNELS * PLANE;
/// Bytes of an image by which equal ones are found.
const HINT: usize = 64;

/// Mean and standard deviation of the channels over the training images.
fn norm() -> PixelNorm {
    PixelNorm { mean: vec![0.4467, 0.4398, 0.4066], std: vec![0.2603, 0.2566, 0.2713] }
}

/// The folder that has the files.
fn folder(path: &Path) -> Option<PathBuf> {
    let there = |folder: &PathBuf| {
        ["train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin"].iter().all(|name| folder.join(name).is_file())
    };
    [path.to_owned(), path.join("stl10_binary")].into_iter().find(there)
}

fn found(config: &Config) -> Result<PathBuf, DataError> {
    let path = Path::new(config.text("path"));
    folder(path).ok_or_else(|| {
        let help = "train_X.bin, train_y.bin, test_X.bin and test_y.bin are looked for, here and in stl10_binary/";
        DataError::new("holds no files of STL-10").in_file(path).help(help)
    })
}

fn open(config: &Config, split: Split, _: &Access) -> Result<Box<dyn DataSet>, DataError> {
    let folder = found(config)?;
    let mut parts = vec![Part::open(&folder.join(format!("{}_X.bin", split.name())), usize::MAX)?];
    let mut labels = labels(&folder.join(format!("{}_y.bin", split.name())), parts[0].count)?;
    let unlabelled = folder.join("unlabeled_X.bin");
    let most = config.maybe_number("unlabelled").map_or(usize::MAX, |n| n as usize);
    if split == Split::Train && unlabelled.is_file() && most > 0 {
        let part = Part::open(&unlabelled, most)?;
        labels.resize(labels.len() + part.count, None);
        parts.push(part);
    }
    let classes = named_classes(&folder.join("class_names.txt"), CLASSES.len());
    let classes = classes.unwrap_or_else(|| CLASSES.map(str::to_owned).to_vec());
    Ok(Box::new(Stl10 { split, parts, labels, classes, hints: OnceLock::new() }))
}

/// The classes of a file, which counts them from 1.
fn labels(path: &Path, count: usize) -> Result<Vec<Option<u32>>, DataError> {
    let bytes = read_file(path).map_err(|e| DataError::new(format!("cannot be read: {e}")).in_file(path))?;
    if bytes.len() != count {
        let message = format!("holds {} labels for {count} images", bytes.len());
        return Err(DataError::new(message).in_file(path).help("fetch it again"));
    }
    let label = |(row, &byte): (usize, &u8)| match byte {
        1..=10 => Ok(Some(u32::from(byte) - 1)),
        _ => Err(DataError::new(format!("label {byte} is not one of 1 to 10")).in_file(path).at_row(row)),
    };
    bytes.iter().enumerate().map(label).collect()
}

/// A file of images.
struct Part {
    path: PathBuf,
    count: usize,
}

impl Part {
    fn open(path: &Path, most: usize) -> Result<Self, DataError> {
        let failed = |e: std::io::Error| DataError::new(format!("cannot be read: {e}")).in_file(path);
        let length = open_file(path).and_then(|file| file.metadata()).map_err(failed)?.len();
        if length == 0 || !length.is_multiple_of(RECORD as u64) {
            let message = format!("{length} bytes are no whole number of images of {RECORD} bytes");
            return Err(DataError::new(message).in_file(path).help("the file is truncated; fetch it again"));
        }
        Ok(Self { path: path.to_owned(), count: most.min((length / RECORD as u64) as usize) })
    }

    /// So many bytes of an image.
    fn read(&self, file: &mut File, index: usize, bytes: &mut [u8]) -> Result<(), DataError> {
        let read = file.seek(SeekFrom::Start((index * RECORD) as u64)).and_then(|_| file.read_exact(bytes));
        read.map_err(|e| DataError::new(format!("cannot be read: {e}")).in_file(&self.path).at_row(index))
    }

    fn file(&self) -> Result<File, DataError> {
        open_file(&self.path).map_err(|e| DataError::new(format!("cannot be read: {e}")).in_file(&self.path))
    }
}

struct Stl10 {
    split: Split,
    parts: Vec<Part>,
    labels: Vec<Option<u32>>,
    classes: Vec<String>,
    hints: OnceLock<Vec<u64>>,
}

impl Stl10 {
    /// The file that has an image, and its place there.
    fn place(&self, index: usize) -> Result<(&Part, usize), DataError> {
        let mut at = index;
        for part in &self.parts {
            match at.checked_sub(part.count) {
                None => return Ok((part, at)),
                Some(rest) => at = rest,
            }
        }
        Err(DataError::new(format!("stl10 has {} images only", self.labels.len())).at_row(index))
    }

    /// The bytes of an image.
    fn read(&self, index: usize) -> Result<Vec<u8>, DataError> {
        let (part, at) = self.place(index)?;
        let mut bytes = vec![0; RECORD];
        part.read(&mut part.file()?, at, &mut bytes)?;
        Ok(bytes)
    }

    /// A number of the beginning of each image; 0 where it cannot be read, which is told of when it is asked for.
    fn hints(&self) -> &[u64] {
        let of = |part: &Part| -> Vec<u64> {
            let mut file = part.file().ok();
            let mut hint = |index: usize| {
                let mut bytes = [0; HINT];
                let read = file.as_mut().map(|file| part.read(file, index, &mut bytes));
                let mut digest = Digest::new();
                digest.bytes(&bytes);
                if let Some(Ok(())) = read { digest.finish() } else { 0 }
            };
            (0..part.count).map(&mut hint).collect()
        };
        self.hints.get_or_init(|| self.parts.iter().flat_map(of).collect())
    }
}

impl DataSet for Stl10 {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn label(&self, index: usize) -> Option<u32> {
        self.labels.get(index).copied().flatten()
    }

    fn image(&self, index: usize) -> Result<Image<'_>, DataError> {
        let bytes = self.read(index)?;
        // Each channel is a plane, and in it one column stands behind the other.
        let value = |i: usize| {
            let (pixel, channel) = (i / CHANNELS, i % CHANNELS);
            bytes[channel * PLANE + pixel % SIDE * SIDE + pixel / SIDE]
        };
        Ok(Image::new(SIDE, SIDE, (0..RECORD).map(value).collect::<Vec<u8>>()))
    }

    fn fetch(&self, index: usize) -> Result<Option<u64>, DataError> {
        self.read(index).map(|bytes| Some(bytes.len() as u64))
    }

    fn frame(&self) -> Frame {
        Frame::fixed((SIDE, SIDE))
    }

    fn mean_std(&self) -> PixelNorm {
        norm()
    }

    fn fingerprint(&self) -> Option<u64> {
        let mut digest = Digest::new();
        for (hint, label) in self.hints().iter().zip(&self.labels) {
            digest.word(*hint);
            digest.word(label.map_or(u64::MAX, u64::from));
        }
        Some(digest.finish())
    }

    fn hint(&self, index: usize) -> Option<u64> {
        self.hints().get(index).copied()
    }

    fn describe(&self) -> String {
        let without = self.labels.iter().filter(|label| label.is_none()).count();
        let (split, count) = (self.split.name(), self.len());
        let without = if without > 0 { format!(", {without} images without a class") } else { String::new() };
        format!("stl10 ({split}): {count} images of {SIDE}x{SIDE}, {} classes{without}", self.classes.len())
    }
}
