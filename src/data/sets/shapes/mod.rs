//! `shapes`: pictures of plane figures, drawn rather than read.

mod figure;
mod paint;

use rayon::prelude::*;

use super::Set;
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::data::dataset::InMemory;
use crate::data::{CHANNELS, DataError, DataSet, Split};
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
    let (count, seed) = (config.int(split.name()), config.int("seed") as u64);
    let figures: Vec<_> = (0..classes).map(figure::figure).collect();
    let mut bytes = vec![0; count * size * size * CHANNELS];
    bytes.par_chunks_mut(size * size * CHANNELS).enumerate().for_each(|(i, image)| {
        let mut rng = Rng::new(&[seed, split as u64, i as u64]);
        paint::paint(&figures[i % classes], size, &mut rng, image);
    });
    Ok(Box::new(InMemory {
        name: format!("shapes ({})", split.name()),
        size: (size, size),
        bytes,
        labels: (0..count).map(|i| (i % classes) as u32).collect(),
        classes: figure::NAMES[..classes].iter().map(|n| n.to_string()).collect(),
        mean_std: MEAN_STD,
    }))
}
