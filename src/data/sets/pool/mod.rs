//! What sets of encoded pictures of any size share, wherever these come from: how they are divided, sized, normalised and opened.

mod divide;
mod files;
mod measured;
mod params;
mod pattern;

use std::borrow::Cow;
use std::collections::HashMap;

pub use divide::{Rule, by_share};
use pattern::Pattern;

pub use files::{Files, files, holds};
pub use params::{CHANNEL_COUNT, GROUP, MAX_PIXELS, MEAN, MOST, SEED, SIZE, STD, TEST};

use super::{Both, Facts};
use crate::catalog::{Arg, Config};
use crate::data::augment::PixelNorm;
use crate::data::{Access, CHANNELS, Catalogue, DataError, DataSet, Frame, Gallery, Origin, Split};
use crate::random::{Digest, Rng};

/// Where the bytes of one picture are.
pub trait Bytes: Send + Sync + 'static {
    /// The bytes of its file.
    fn bytes(&self) -> Result<Cow<'_, [u8]>, DataError>;

    /// A number that equal pictures share, quickly found: how long it is, where no more is known.
    fn hint(&self) -> u64;
}

/// A picture, what it is called, and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample<T> {
    /// Its name, such as its path below the folder of the set.
    pub name: String,
    /// Its class by name.
    pub class: Option<String>,
    /// What it belongs to, where the set says so: all pictures of a group stay on one side.
    pub group: Option<String>,
    /// Where its bytes are.
    pub place: T,
}

/// The pictures of a set in two parts.
#[derive(Clone, Debug)]
pub struct Pool<T> {
    /// What is trained on.
    pub train: Vec<Sample<T>>,
    /// What is judged on.
    pub test: Vec<Sample<T>>,
    /// The names of classes in the order of their numbers, where that is known; by the alphabet where not.
    pub classes: Option<Vec<String>>,
    /// What the user must know of it.
    pub notes: Vec<String>,
}

impl<T: Bytes> Pool<T> {
    /// Pictures that nothing divides: a share of them is for testing.
    pub fn by_share(all: Vec<Sample<T>>, config: &Config) -> Result<Self, DataError> {
        let known = all.iter().any(|s| s.group.is_some());
        let group = config.declares("group").then(|| config.text("group")).filter(|text| !text.is_empty() && !known);
        let pattern = group.map(Pattern::parse).transpose()?;
        let own = |s: &Sample<T>| s.group.clone().unwrap_or_else(|| s.name.clone());
        let group = |s: &Sample<T>| pattern.as_ref().map_or_else(|| own(s), |p| p.group(&s.name));
        let rule = Rule::of(config, pattern.is_some() || known);
        let items: Vec<_> = all.iter().map(|s| (group(s), s.class.as_deref())).collect();
        let testing = by_share(&items, rule);
        let (test, train): (Vec<_>, Vec<_>) = all.into_iter().zip(testing).partition(|(_, testing)| *testing);
        let only = |some: Vec<(Sample<T>, bool)>| some.into_iter().map(|(sample, _)| sample).collect();
        Ok(Self { train: only(train), test: only(test), classes: None, notes: Vec::new() })
    }

    /// The same, if both parts have pictures and the configuration says what can be.
    pub fn sound(self, config: &Config) -> Result<Self, DataError> {
        valid(config)?;
        match (self.train.len(), self.test.len()) {
            (0, 0) => Err(DataError::new("holds no pictures")),
            (1, 0) | (0, 1) => Err(DataError::new("holds one picture: none is left to judge on")),
            (0, _) | (_, 0) => Err(DataError::new("holds an empty part: both training and test need pictures")),
            _ => Ok(self),
        }
    }

    /// The names of all classes.
    pub fn class_names(&self) -> Vec<String> {
        self.classes.clone().unwrap_or_else(|| {
            let mut names: Vec<String> = self.train.iter().chain(&self.test).filter_map(|s| s.class.clone()).collect();
            names.sort();
            names.dedup();
            names
        })
    }

    /// One part of it as a data set.
    pub fn open(self, config: &Config, split: Split, access: &Access) -> Box<dyn DataSet> {
        let (train, test) = self.both(config, access);
        if split == Split::Train { train } else { test }
    }

    /// The same with no more training pictures than are asked for.
    pub fn limited(mut self, config: &Config) -> Self {
        if let Some(most) = config.maybe_number("most") {
            self.classes = Some(self.class_names());
            self.train = some_of(self.train, most as usize, config.int("seed") as u64);
        }
        self
    }

    /// Both parts of it as data sets.
    pub fn both(self, config: &Config, access: &Access) -> Both {
        let classes = self.class_names();
        let Self { train, test, notes, .. } = self.limited(config);
        let numbers: HashMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
        let norm = norm(config);
        let part = |samples: Vec<Sample<T>>, split: Split| {
            let label = |s: &Sample<T>| s.class.as_deref().and_then(|class| numbers.get(class)).copied();
            let about = Catalogue {
                name: format!("{} {} ({})", config.name(), config.text("path"), split.name()),
                labels: samples.iter().map(label).collect(),
                fingerprint: fingerprint(&samples),
                classes: classes.clone(),
                frame: frame(config),
                mean_std: norm.clone(),
                most_pixels: config.int("max_pixels") as u64,
                notes: notes.clone(),
            };
            Box::new(Gallery::new(about, Box::new(Samples(samples)), access)) as Box<dyn DataSet>
        };
        (part(train, Split::Train), part(test, Split::Test))
    }
}

/// What is known of such a set; how its pictures are normalised is measured and written down, where that is left open.
pub fn look<T: Bytes>(
    config: &mut Config,
    found: fn(&Config) -> Result<Pool<T>, DataError>,
) -> Result<Facts, DataError> {
    look_at(config, found(config).ok())
}

/// The same of pictures that have been found, if they were.
pub fn look_at<T: Bytes>(config: &mut Config, pool: Option<Pool<T>>) -> Result<Facts, DataError> {
    valid(config)?;
    let classes = pool.as_ref().map(|pool| pool.class_names().len());
    // Pictures that it is measured on are not kept.
    let access = Access { cache: 0, ..Access::default() };
    if let Some(pool) = pool {
        let whole = config.clone();
        settle(config, || Some(pool.open(&whole, Split::Train, &access)));
    }
    Ok(Facts::of_pictures(frame(config), classes, norm(config)))
}

/// Measures pictures, where a configuration leaves it open how they are normalised.
pub fn settle(config: &mut Config, pictures: impl FnOnce() -> Option<Box<dyn DataSet>>) {
    if measured::written(config).is_none()
        && let Some(norm) = pictures().and_then(|data| measured::norm_of(&*data))
    {
        measured::write(config, &norm);
    }
}

/// How the pixels of such a set are normalised: as it is written down, once somebody has measured it.
pub fn norm(config: &Config) -> PixelNorm {
    measured::written(config).unwrap_or_else(|| PixelNorm::unknown(channels(config)))
}

/// The smallest and the largest side that pictures may be taken to have.
const SIDES: (f64, f64) = (8.0, 4096.0);

/// Complains of arguments that are no size and no normalisation.
pub fn valid(config: &Config) -> Result<(), DataError> {
    let numbers = |name: &str| match config.arg(name) {
        Arg::List(items) => items.iter().filter_map(|x| if let Arg::Number(x) = x { Some(*x) } else { None }).collect(),
        _ => Vec::new(),
    };
    let fits = |x: &f64| x.fract() == 0.0 && (SIDES.0..=SIDES.1).contains(x);
    let fit = |sides: &[f64]| (1..=2).contains(&sides.len()) && sides.iter().all(fits);
    if config.declares("size") && !fit(&numbers("size")) {
        let (least, most) = SIDES;
        return Err(DataError::new(format!(
            "`size` is a whole number of pixels from {least} to {most}, or two of them"
        ))
        .help("as in `size: 96` or `size: [64, 128]`, height and width"));
    }
    for name in ["mean", "std"] {
        let all = numbers(name);
        let said = *config.arg(name) != Arg::None;
        let count = channels(config);
        if said && (all.len() != count || all.iter().any(|x| !x.is_finite() || name == "std" && *x <= 0.0)) {
            let what = if name == "std" { "positive numbers" } else { "numbers" };
            return Err(DataError::new(match count {
                CHANNELS => format!("`{name}` is three {what}, one for each of red, green and blue"),
                _ => format!("`{name}` is {count} {what}, one for each channel"),
            }));
        }
    }
    Ok(())
}

/// What the pictures of such a set are taken for.
fn frame(config: &Config) -> Frame {
    Frame::nominal(size(config)).of(channels(config))
}

/// Channels of every picture.
pub fn channels(config: &Config) -> usize {
    said_channels(config).unwrap_or(CHANNELS)
}

/// Channels of every picture, where somebody says it.
pub fn said_channels(config: &Config) -> Option<usize> {
    config.maybe_number("channels").map(|count| count as usize)
}

/// The argument `size`: one number, or height and width.
fn size(config: &Config) -> (usize, usize) {
    let side = |arg: &Arg| if let Arg::Number(x) = arg { *x as usize } else { 0 };
    match config.arg("size") {
        Arg::List(sides) => (sides.first().map_or(0, side), sides.last().map_or(0, side)),
        _ => (0, 0),
    }
}

/// So many samples drawn at random, in their order.
fn some_of<T>(samples: Vec<Sample<T>>, most: usize, seed: u64) -> Vec<Sample<T>> {
    let mut drawn = vec![false; samples.len()];
    let order = Rng::new(&[seed, samples.len() as u64]).permutation(samples.len());
    order.into_iter().take(most).for_each(|i| drawn[i] = true);
    samples.into_iter().zip(drawn).filter(|(_, drawn)| *drawn).map(|(sample, _)| sample).collect()
}

/// A number that changes with the list of pictures, their hints and classes.
fn fingerprint<T: Bytes>(samples: &[Sample<T>]) -> u64 {
    let mut digest = Digest::new();
    for sample in samples {
        digest.bytes(sample.name.as_bytes());
        digest.word(sample.place.hint());
        digest.bytes(sample.class.as_deref().unwrap_or_default().as_bytes());
    }
    digest.finish()
}

/// Samples as a gallery asks for them.
struct Samples<T>(Vec<Sample<T>>);

impl<T: Bytes> Origin for Samples<T> {
    fn encoded(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        self.0[index].place.bytes()
    }

    fn name(&self, index: usize) -> String {
        self.0[index].name.clone()
    }

    fn hint(&self, index: usize) -> u64 {
        self.0[index].place.hint()
    }
}
