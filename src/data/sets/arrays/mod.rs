//! `arrays`: pictures and labels in arrays of numpy, one file or several.

mod names;
mod source;

use std::path::Path;
use std::sync::OnceLock;

use names::{Names, Pair, names};
use source::Source;

use super::pool::{self, CHANNEL_COUNT, MEAN, Rule, SEED, STD, TEST, by_share};
use super::{Both, Facts, Set};
use crate::catalog::{Arg, Config, Entry, Kind, Param, ParamType};
use crate::data::npy::{Header, Plan, converted};
use crate::data::{DataError, DataSet, Frame, InMemory, Split};

/// The word `arrays`.
pub static SET: Set = Set {
    entry: Entry {
        name: "arrays",
        kind: Kind::DataSet,
        params: &[
            Param::required("path", ParamType::Path, "A file .npz or .npy, or the folder with files .npy."),
            CHANNEL_COUNT,
            Param::optional(
                "range",
                ParamType::Range { min: -1e30, max: 1e30 },
                "none",
                "The numbers that are black and white, as in 0..4095; whole numbers of so many bits are scaled by these, others from 0 to 1.",
            ),
            TEST,
            SEED,
            MEAN,
            STD,
        ],
        formula: "numbers [N, H, W], [N, H, W, C] or [N, C, H, W] -> pictures [H, W, C]",
        doc: "Arrays as numpy saves them, such as Keras's mnist.npz and MedMNIST's files: x_train, y_train, x_test, y_test; \
              train_images, train_labels, test_images, test_labels; or x and y (images and labels), of which `test` says how \
              large a share is judged on. Channels are as many as there are, unless `channels` says 3 of grey pictures or 1 of \
              ones in colour. Numbers are kept as bytes. Labels are whole numbers, a negative one is none.",
    },
    look,
    // An array among pictures makes no set of arrays of their folder.
    seen: |path| names(&Source::of(path)).is_ok_and(|names| !path.is_dir() || names.are_of_a_set()),
    present: |config| found(config).map(|_| ()),
    open: |config, split, _| {
        let (train, test) = both(config)?;
        Ok(if split == Split::Train { train } else { test })
    },
    both: |config, _| both(config),
};

/// More classes than these are no numbers of classes, if there are fewer pictures.
const MOST_CLASSES: usize = 1000;

/// Where arrays are, and which of them are pictures and labels.
fn found(config: &Config) -> Result<(Source, Names), DataError> {
    let path = Path::new(config.text("path"));
    let source = Source::of(path);
    names(&source).map(|names| (source, names)).map_err(|e| e.in_file(path))
}

fn look(config: &mut Config) -> Result<Facts, DataError> {
    pool::said_channels(config).map_or(Ok(()), |_| pool::valid(config))?;
    let known = found(config).and_then(|(source, names)| {
        let plan = plan(config, &source, &names.train.images)?;
        let labels = [Some(&names.train), names.test.as_ref()].into_iter().flatten();
        let labels = labels.map(|pair| pair.labels(&source)).collect::<Result<Vec<_>, _>>()?;
        Ok((plan, classes(&labels)))
    });
    let Ok((plan, classes)) = known else {
        let channels = pool::channels(config);
        return Ok(Facts::of_pictures(Frame::fixed((28, 28)).of(channels), None, pool::norm(config)));
    };
    say(config, &plan);
    pool::valid(config)?;
    let whole = config.clone();
    pool::settle(config, || both(&whole).ok().map(|both| both.0));
    let frame = Frame::fixed(plan.size).of(pool::channels(config));
    Ok(Facts::of_pictures(frame, Some(classes), pool::norm(config)))
}

/// Writes down how many channels there are, where that is left open.
fn say(config: &mut Config, plan: &Plan) {
    let open = config.args.iter_mut().find(|(name, value)| name == "channels" && *value == Arg::None);
    open.into_iter().for_each(|(_, value)| *value = Arg::Number(plan.channels as f64));
}

/// How the pictures of an array are arranged.
fn plan(config: &Config, source: &Source, name: &str) -> Result<Plan, DataError> {
    let shape = source.with(name, &mut |from| Header::read(from).map(|header| header.shape))?;
    let [count, picture @ ..] = &shape[..] else { return Err(DataError::new("holds no pictures")) };
    let plan = Plan::of(picture, pool::said_channels(config).unwrap_or(0)).map_err(|e| named(e, name))?;
    match *count == 0 || plan.size.0 == 0 || plan.size.1 == 0 {
        true => Err(named(DataError::new("holds no pictures"), name)),
        false => Ok(plan),
    }
}

/// How many classes labels tell apart.
fn classes(labels: &[Vec<Option<u32>>]) -> usize {
    labels.iter().flatten().flatten().max().map_or(0, |&last| last as usize + 1)
}

/// Pictures as bytes with their labels.
struct Part {
    plan: Plan,
    bytes: Vec<u8>,
    labels: Vec<Option<u32>>,
}

fn both(config: &Config) -> Result<Both, DataError> {
    let path = Path::new(config.text("path"));
    let (source, names) = found(config)?;
    read(config, &source, &names).map_err(|error| if error.file.is_some() { error } else { error.in_file(path) })
}

fn read(config: &Config, source: &Source, names: &Names) -> Result<Both, DataError> {
    let mut config = config.clone();
    let arranged = plan(&config, source, &names.train.images)?;
    say(&mut config, &arranged);
    pool::valid(&config)?;
    let train = part(&config, source, &names.train)?;
    let (train, test) = match &names.test {
        Some(test) => (train, part(&config, source, test)?),
        None => divided(train, &config)?,
    };
    if train.plan.size != test.plan.size {
        return Err(DataError::new("the pictures of both parts have different sizes"));
    }
    let labels = [train.labels.clone(), test.labels.clone()];
    let count = classes(&labels);
    if count > MOST_CLASSES.max(train.labels.len() + test.labels.len()) {
        return Err(DataError::new(format!("labels reach {}, which is no number of a class", count - 1)));
    }
    let open = |part: Part, split: Split| {
        Box::new(InMemory {
            name: format!("arrays {} ({})", config.text("path"), split.name()),
            size: part.plan.size,
            channels: pool::channels(&config),
            bytes: part.bytes,
            labels: part.labels,
            classes: (0..count).map(|class| class.to_string()).collect(),
            mean_std: pool::norm(&config),
            digests: OnceLock::new(),
        }) as Box<dyn DataSet>
    };
    Ok((open(train, Split::Train), open(test, Split::Test)))
}

/// Reads the pictures and labels of a part.
fn part(config: &Config, source: &Source, pair: &Pair) -> Result<Part, DataError> {
    let plan = plan(config, source, &pair.images)?;
    let range = config.range("range");
    let bytes = source.with(&pair.images, &mut |from| {
        let header = Header::read(from)?;
        header.bytes(from, range).map(|bytes| plan.pictures(bytes))
    });
    let bytes = bytes.and_then(|bytes| converted(bytes, plan.channels, pool::channels(config)));
    let bytes = bytes.map_err(|e| named(e, &pair.images))?;
    let count = bytes.len() / (plan.size.0 * plan.size.1 * pool::channels(config));
    let labels = pair.labels(source)?;
    match labels.len() {
        0 => Ok(Part { plan, bytes, labels: vec![None; count] }),
        found if found == count => Ok(Part { plan, bytes, labels }),
        found => Err(DataError::new(format!("holds {found} labels for {count} pictures in `{}`", pair.images))),
    }
}

/// Pictures in two parts, a share of each class being for testing.
fn divided(all: Part, config: &Config) -> Result<(Part, Part), DataError> {
    let class = |label: &Option<u32>| label.map(|label| label.to_string());
    let classes: Vec<Option<String>> = all.labels.iter().map(class).collect();
    let items: Vec<_> = classes.iter().enumerate().map(|(i, class)| (i.to_string(), class.as_deref())).collect();
    let testing = by_share(&items, Rule::of(config, false));
    if testing.iter().all(|&test| test) || !testing.contains(&true) {
        return Err(DataError::new("holds too few pictures: none is left to train or to judge on"));
    }
    let length = all.bytes.len() / all.labels.len();
    let some = |wanted: bool| {
        let places = || (0..testing.len()).filter(|&i| testing[i] == wanted);
        let bytes = places().flat_map(|i| &all.bytes[i * length..(i + 1) * length]).copied().collect();
        Part { plan: all.plan, bytes, labels: places().map(|i| all.labels[i]).collect() }
    };
    Ok((some(false), some(true)))
}

/// An error of an array.
fn named(mut error: DataError, array: &str) -> DataError {
    error.reason = format!("`{array}` {}", error.reason);
    error
}
