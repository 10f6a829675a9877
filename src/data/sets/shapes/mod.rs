//! `shapes`: pictures of plane figures, drawn rather than read.

mod colour;
mod figure;
mod layout;
mod paint;
mod scene;

use std::sync::OnceLock;

use figure::Figure;
use scene::Scene;

use super::{Facts, Set, each};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::data::augment::PixelNorm;
use crate::data::{Access, CHANNELS, Column, DataError, DataSet, Frame, Image, Split, Tokens, tokens};
use crate::random::Rng;

/// The word `shapes`.
pub static SET: Set = Set {
    entry: Entry {
        name: "shapes",
        kind: Kind::DataSet,
        params: &[
            Param::optional("train", ParamType::Int { min: 1, max: 10_000_000 }, "10000", "How many training images."),
            Param::optional("test", ParamType::Int { min: 1, max: 10_000_000 }, "2000", "How many test images."),
            Param::optional("size", ParamType::Int { min: 16, max: 256 }, "32", "Height and width in pixels."),
            Param::optional("classes", ParamType::Int { min: 2, max: 10 }, "10", "How many of the ten figures."),
            Param::optional("seed", ParamType::Int { min: 0, max: i64::MAX }, "0", "Another seed, other images."),
            Param::optional(
                "length",
                tokens::LENGTH,
                "none",
                "How many numbers a caption is; 80 if left out, which is enough for all.",
            ),
            tokens::TOKENIZER,
        ],
        formula: "image i = draw(figure of class(seed, split, i), nuisances(seed, split, i))",
        doc: "Three to six copies of one plane figure, drawn procedurally: the class is the figure; each copy has its \
              own colour, place, size and angle, and is lighter or darker than the ground. All figures have the same \
              area and edges as long, so that the class is in their form and not in amounts. Every picture has a \
              caption, `batch.caption`, and a mask of its figures. Built in: a recipe runs without any file.",
    },
    look: |config| {
        Ok(Facts {
            frame: Frame::fixed((config.int("size"), config.int("size"))),
            classes: Some(config.int("classes")),
            norm: norm(),
            columns: Some(columns(&tokens_of(config)?)),
        })
    },
    seen: |_| false,
    present: |_| Ok(()),
    open,
    both: |config, access| each(config, access, open),
};

/// Mean and standard deviation of the channels, measured on 3,000 training images.
const MEAN_STD: ([f32; CHANNELS], [f32; CHANNELS]) = ([0.4711, 0.4683, 0.4733], [0.1569, 0.16, 0.1561]);

fn norm() -> PixelNorm {
    PixelNorm { mean: MEAN_STD.0.to_vec(), std: MEAN_STD.1.to_vec() }
}

/// Numbers of a caption: the longest has 75 bytes.
const LENGTH: f64 = 80.0;

/// How captions become numbers.
fn tokens_of(config: &Config) -> Result<Tokens, DataError> {
    Tokens::new(config.maybe_number("length").unwrap_or(LENGTH) as usize, config.text("tokenizer"))
}

fn columns(tokens: &Tokens) -> Vec<Column> {
    vec![Column::new("caption", tokens.kind())]
}

fn open(config: &Config, split: Split, _: &Access) -> Result<Box<dyn DataSet>, DataError> {
    let (size, classes) = (config.int("size"), config.int("classes"));
    if classes == 0 || classes > figure::NAMES.len() || size < 8 {
        return Err(DataError::new(format!(
            "shapes has 1 to {} classes and a size of at least 8; got classes: {classes}, size: {size}",
            figure::NAMES.len()
        )));
    }
    let tokens = tokens_of(config)?;
    Ok(Box::new(Shapes {
        columns: columns(&tokens),
        tokens,
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
    columns: Vec<Column>,
    tokens: Tokens,
}

impl Shapes {
    /// The class of a picture, what is drawn, and the generator of its noise. Classes are drawn, too: an order would say
    /// something of them.
    fn draw(&self, index: usize) -> (usize, Scene, Rng) {
        let mut rng = self.rng(index);
        let class = rng.below(self.classes.len());
        let scene = Scene::draw(&mut rng);
        (class, scene, rng)
    }

    fn rng(&self, index: usize) -> Rng {
        Rng::new(&[self.seed, self.split as u64, index as u64])
    }

    fn paint(&self, index: usize) -> Box<[u8]> {
        let mut image = vec![0; self.size * self.size * CHANNELS];
        let (class, scene, mut rng) = self.draw(index);
        paint::paint(&scene, &self.figures[class], self.size, &mut rng, &mut image);
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
        (index < self.len()).then(|| self.rng(index).below(self.classes.len()) as u32)
    }

    fn caption(&self, index: usize) -> Option<String> {
        let drawn = (index < self.len()).then(|| self.draw(index));
        drawn.map(|(class, scene, _)| scene.caption(&self.classes[class]))
    }

    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn cell(&self, _: usize, index: usize) -> Result<Vec<f32>, DataError> {
        let caption = self.caption(index).ok_or_else(|| DataError::new("has no caption").at_row(index))?;
        self.tokens.encode(&caption)
    }

    fn encode(&self, _: usize, text: &str) -> Result<Vec<f32>, DataError> {
        self.tokens.encode(text)
    }

    fn mask(&self, index: usize) -> Option<Vec<bool>> {
        let drawn = (index < self.len()).then(|| self.draw(index));
        drawn.map(|(class, scene, _)| paint::mask(&scene, &self.figures[class], self.size))
    }

    fn image(&self, index: usize) -> Result<Image<'_>, DataError> {
        let kept = self.painted.get(index).ok_or_else(|| {
            DataError::new(format!("shapes ({}) has {} images only", self.split.name(), self.len())).at_row(index)
        })?;
        let bytes: &[u8] = kept.get_or_init(|| self.paint(index));
        Ok(Image::new(self.size, self.size, bytes))
    }

    fn frame(&self) -> Frame {
        Frame::fixed((self.size, self.size))
    }

    fn mean_std(&self) -> PixelNorm {
        norm()
    }

    fn describe(&self) -> String {
        let (name, size) = (self.split.name(), self.size);
        format!("shapes ({name}): {} images of {size}x{size}, {} classes", self.len(), self.classes.len())
    }
}
