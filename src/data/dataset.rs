//! What a data set is, and how one is opened.

use super::{CHANNELS, DataError, Image, sets};
use crate::catalog::Config;

/// A fixed list of labelled images; every later format implements this.
pub trait DataSet: Send + Sync {
    /// How many samples there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of the classes, by label.
    fn classes(&self) -> &[String];

    /// The class of a sample; `None` where it has none.
    fn label(&self, index: usize) -> Option<u32>;

    /// A sample's image.
    fn image(&self, index: usize) -> Result<Image<'_>, DataError>;

    /// Height and width where all images share them.
    fn size(&self) -> Option<(usize, usize)>;

    /// Mean and standard deviation of each colour channel in `0..=1`, with which views are normalised by default.
    fn mean_std(&self) -> ([f32; CHANNELS], [f32; CHANNELS]) {
        ([0.5; CHANNELS], [0.25; CHANNELS])
    }

    /// Whether its pictures are read from files, and not made.
    fn is_read(&self) -> bool {
        false
    }

    /// One line for people.
    fn describe(&self) -> String;
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

/// Opens the data set a configuration names.
pub fn open(config: &Config, split: Split) -> Result<Box<dyn DataSet>, DataError> {
    let set = sets::find(&config.name).map_err(|e| e.at(config.span))?;
    (set.open)(config, split).map_err(|e| e.at(config.span))
}

/// Images of one size, decoded once and kept as bytes.
#[derive(Clone, Debug)]
pub struct InMemory {
    /// What the set is called.
    pub name: String,
    /// Height and width of every image.
    pub size: (usize, usize),
    /// The images one after the other, `[len, height, width, 3]`.
    pub bytes: Vec<u8>,
    /// The class of every image; `None` where it has none.
    pub labels: Vec<Option<u32>>,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Mean and standard deviation of each channel.
    pub mean_std: ([f32; CHANNELS], [f32; CHANNELS]),
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
        let bytes = height * width * CHANNELS;
        let data = self.bytes.get(index * bytes..(index + 1) * bytes).ok_or_else(|| {
            DataError::new(format!("{} has {} images only", self.name, self.labels.len())).at_row(index)
        })?;
        Ok(Image::new(height, width, data))
    }

    fn size(&self) -> Option<(usize, usize)> {
        Some(self.size)
    }

    fn mean_std(&self) -> ([f32; CHANNELS], [f32; CHANNELS]) {
        self.mean_std
    }

    fn is_read(&self) -> bool {
        true
    }

    fn describe(&self) -> String {
        let (height, width) = self.size;
        format!("{}: {} images of {height}x{width}, {} classes", self.name, self.len(), self.classes.len())
    }
}
