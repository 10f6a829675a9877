//! `shapes`: pictures of plane figures, drawn rather than read.

mod figure;
mod paint;

use std::sync::OnceLock;

use figure::Figure;

use super::Set;
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::data::augment::PixelNorm;
use crate::data::{CHANNELS, DataError, DataSet, Image, Split};
use crate::random::Rng;

/// The word `shapes`.
pub const SET: Set = Set {
    entry: Entry {
        name: "shapes",
        kind: Kind::DataSet,
        params: &[
            Param::optional("train", ParamType::Int { min: 1, max: 10_000_000 }, "10000", "How many training images."),
            Param::optional("test", ParamType::Int { min: 1, max: 10_000_000 }, "2000", "How many test images."),
            Param::optional("size", ParamType::Int { min: 16, max: 256 }, "32", "Height and width in pixels."),
            Param::optional("classes", ParamType::Int { min: 2, max: 10 }, "10", "How many of the ten figures."),
            Param::optional("seed", ParamType::Int { min: 0, max: i64::MAX }, "0", "Another seed, other images."),
        ],
        formula: "image i = draw(figure i mod classes, nuisances(seed, split, i))",
        doc: "Copies of one plane figure, drawn procedurally: the class is the figure; each copy has its own colour, \
              place, scale and rotation, on a clouded background with clutter. So two crops of a picture share little \
              but the figure. Built in: a recipe runs without any file.",
    },
    size: |config| (config.int("size"), config.int("size")),
    classes: |config| config.int("classes"),
    norm: |_| PixelNorm { mean: MEAN_STD.0, std: MEAN_STD.1 },
    open,
};

/// Mean and standard deviation of the channels, measured on 10,000 training images.
const MEAN_STD: ([f32; CHANNELS], [f32; CHANNELS]) = ([0.499; CHANNELS], [0.21; CHANNELS]);

fn open(config: &Config, split: Split) -> Result<Box<dyn DataSet>, DataError> {
    let (size, classes) = (config.int("size"), config.int("classes"));
    if classes == 0 || classes > figure::NAMES.len() || size < 8 {
        return Err(DataError::new(format!(
            "shapes has 1 to {} classes and a size of at least 8; got classes: {classes}, size: {size}",
            figure::NAMES.len()
        )));
    }
    Ok(Box::new(Shapes {
        split,
        seed: config.int("seed") as u64,
        size,
        figures: (0..classes).map(figure::figure).collect(),
        classes: figure::NAMES[..classes].iter().map(|n| n.to_string()).collect(),
        painted: (0..config.int(split.name())).map(|_| OnceLock::new()).collect(),
    }))
}

/// Pictures that are painted when they are first asked for, and then kept.
struct Shapes {
    split: Split,
    seed: u64,
    size: usize,
    figures: Vec<Figure>,
    classes: Vec<String>,
    painted: Vec<OnceLock<Box<[u8]>>>,
}

impl Shapes {
    fn paint(&self, index: usize) -> Box<[u8]> {
        let mut image = vec![0; self.size * self.size * CHANNELS];
        let mut rng = Rng::new(&[self.seed, self.split as u64, index as u64]);
        paint::paint(&self.figures[index % self.classes.len()], self.size, &mut rng, &mut image);
        image.into_boxed_slice()
    }
}

impl DataSet for Shapes {
    fn len(&self) -> usize {
        self.painted.len()
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn label(&self, index: usize) -> Option<u32> {
        (index < self.len()).then(|| (index % self.classes.len()) as u32)
    }

    fn image(&self, index: usize) -> Result<Image<'_>, DataError> {
        let kept = self.painted.get(index).ok_or_else(|| {
            DataError::new(format!("shapes ({}) has {} images only", self.split.name(), self.len())).at_row(index)
        })?;
        let bytes: &[u8] = kept.get_or_init(|| self.paint(index));
        Ok(Image::new(self.size, self.size, bytes))
    }

    fn size(&self) -> Option<(usize, usize)> {
        Some((self.size, self.size))
    }

    fn mean_std(&self) -> ([f32; CHANNELS], [f32; CHANNELS]) {
        MEAN_STD
    }

    fn describe(&self) -> String {
        let (name, size) = (self.split.name(), self.size);
        format!("shapes ({name}): {} images of {size}x{size}, {} classes", self.len(), self.classes.len())
    }
}
