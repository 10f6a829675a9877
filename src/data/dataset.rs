//! What a data set is, and how one is opened.

use std::sync::OnceLock;

use rayon::prelude::*;

use super::augment::PixelNorm;
use super::{Access, Column, DataError, Frame, Image, sets};
use crate::catalog::Config;
use crate::random::Digest;

/// A fixed list of pictures, with or without labels; every format implements this.
pub trait DataSet: Send + Sync {
    /// How many samples there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of the classes, by label; none where no sample has a label.
    fn classes(&self) -> &[String];

    /// The class of a sample; `None` where it has none.
    fn label(&self, index: usize) -> Option<u32>;

    /// A sample's image. An error that is [`DataError::spoilt`] is of this one alone.
    fn image(&self, index: usize) -> Result<Image<'_>, DataError>;

    /// Reads what a picture is decoded from, and says how many bytes that is; `None` where none is read when it is needed.
    fn fetch(&self, _index: usize) -> Result<Option<u64>, DataError> {
        Ok(None)
    }

    /// What a sample is called, such as the path of its file; `None` where it has but a number.
    fn name(&self, _index: usize) -> Option<String> {
        None
    }

    /// What a sample shows, in words; `None` where nobody said.
    fn caption(&self, _index: usize) -> Option<String> {
        None
    }

    /// Which pixels of a sample belong to what it shows, row by row, `[height, width]`; `None` where nobody said.
    fn mask(&self, _index: usize) -> Option<Vec<bool>> {
        None
    }

    /// What is known of each sample besides: recipes name these columns.
    fn columns(&self) -> &[Column] {
        &[]
    }

    /// The numbers of a sample in a column.
    fn cell(&self, _column: usize, index: usize) -> Result<Vec<f32>, DataError> {
        Err(no_column(index))
    }

    /// The picture of a sample in a column of pictures; as with [`DataSet::image`], it may be spoilt.
    fn picture(&self, _column: usize, index: usize) -> Result<Image<'_>, DataError> {
        Err(no_column(index))
    }

    /// A text as a column of text would have it.
    fn encode(&self, _column: usize, _text: &str) -> Result<Vec<f32>, DataError> {
        Err(no_column(0))
    }

    /// Height and width that images have, or are taken to have where each has its own.
    fn frame(&self) -> Frame;

    /// Mean and standard deviation of each channel in `0..=1`, with which views are normalised by default.
    fn mean_std(&self) -> PixelNorm {
        PixelNorm::unknown(self.frame().channels)
    }

    /// A number that changes with the pictures or labels; `None` where pictures are made, and not read.
    fn fingerprint(&self) -> Option<u64> {
        None
    }

    /// A number that changes with the values of a column; `None` where these are made, and not read.
    fn column_fingerprint(&self, _column: usize) -> Option<u64> {
        None
    }

    /// A number, quickly found, that equal pictures share; what has none has no equal.
    fn hint(&self, _index: usize) -> Option<u64> {
        None
    }

    /// A number of the bytes that a picture is decoded from; `None` where it is not, or these cannot be read.
    fn content(&self, _index: usize) -> Option<u64> {
        None
    }

    /// The samples that were asked for and could not be used, each with the reason, in order.
    fn spoilt(&self) -> Vec<DataError> {
        Vec::new()
    }

    /// What the user must know of it.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// One line for people.
    fn describe(&self) -> String;
}

/// What a set says that has no such column.
fn no_column(index: usize) -> DataError {
    DataError::new("there is no such column").at_row(index)
}

/// Which part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// What the encoder learns from.
    Train,
    /// What it is judged on.
    Test,
}

impl Split {
    /// How the split is called in file names, arguments and messages.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Test => "test",
        }
    }
}

/// The data set a configuration names.
fn called(config: &Config) -> Result<&'static sets::Set, DataError> {
    sets::of(config).ok_or_else(|| DataError::new(format!("`{}` is no data set", config.name())).at(config.span))
}

/// Opens the data set a configuration names.
pub fn open(config: &Config, split: Split, access: &Access) -> Result<Box<dyn DataSet>, DataError> {
    let set = called(config)?;
    (set.open)(config, split, access).map_err(|e| e.at(config.span))
}

/// Opens both parts of the data set a configuration names, that for training first.
pub fn open_both(config: &Config, access: &Access) -> Result<sets::Both, DataError> {
    let set = called(config)?;
    (set.both)(config, access).map_err(|e| e.at(config.span))
}

/// Whether the files of the data set a configuration names are there; they are not read.
pub fn present(config: &Config) -> Result<(), DataError> {
    (called(config)?.present)(config)
}

/// Images of one size, decoded once and kept as bytes.
#[derive(Clone, Debug)]
pub struct InMemory {
    /// What the set is called.
    pub name: String,
    /// Height and width of every image.
    pub size: (usize, usize),
    /// Channels of every image.
    pub channels: usize,
    /// The images one after the other, `[len, height, width, channels]`.
    pub bytes: Vec<u8>,
    /// The class of every image; `None` where it has none.
    pub labels: Vec<Option<u32>>,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Mean and standard deviation of each channel.
    pub mean_std: PixelNorm,
    /// A number of each picture, once somebody has asked for it.
    pub digests: OnceLock<Vec<u64>>,
}

impl InMemory {
    /// A number for each picture, equal for equal ones.
    fn digests(&self) -> &[u64] {
        let digest = |index: usize| {
            let mut digest = Digest::new();
            digest.word(self.size.1 as u64);
            self.image(index).iter().for_each(|image| digest.bytes(&image.data));
            digest.finish()
        };
        self.digests.get_or_init(|| (0..self.len()).into_par_iter().map(digest).collect())
    }
}

impl DataSet for InMemory {
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
        let (height, width) = self.size;
        let bytes = height * width * self.channels;
        let data = self.bytes.get(index * bytes..(index + 1) * bytes).ok_or_else(|| {
            DataError::new(format!("{} has {} images only", self.name, self.labels.len())).at_row(index)
        })?;
        Ok(Image::of(height, width, self.channels, data))
    }

    fn frame(&self) -> Frame {
        Frame::fixed(self.size).of(self.channels)
    }

    fn mean_std(&self) -> PixelNorm {
        self.mean_std.clone()
    }

    fn fingerprint(&self) -> Option<u64> {
        let mut all = Digest::new();
        for (index, digest) in self.digests().iter().enumerate() {
            all.word(*digest);
            all.word(self.label(index).map_or(u64::MAX, u64::from));
        }
        Some(all.finish())
    }

    fn hint(&self, index: usize) -> Option<u64> {
        self.digests().get(index).copied()
    }

    fn describe(&self) -> String {
        let (height, width) = self.size;
        format!("{}: {} images of {height}x{width}, {} classes", self.name, self.len(), self.classes.len())
    }
}
