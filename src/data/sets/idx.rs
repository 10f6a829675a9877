//! `idx`: small pictures in the files of MNIST and of all that took its form.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use flate2::read::GzDecoder;

use super::pool::{self, CHANNEL_COUNT, MEAN, STD};
use super::{Facts, Set, each};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::data::{Access, CHANNELS, DataError, DataSet, Frame, InMemory, Split};
use crate::source::open_file;

/// The word `idx`.
pub static SET: Set = Set {
    entry: Entry {
        name: "idx",
        kind: Kind::DataSet,
        params: &[
            Param::required("path", ParamType::Path, "The folder with the files."),
            Param::optional(
                "prefix",
                ParamType::Text,
                "none",
                "How the names of the files begin, where the folder holds several sets, as in \"emnist-letters\".",
            ),
            CHANNEL_COUNT,
            MEAN,
            STD,
        ],
        formula: "bytes [N, H, W] -> pictures [H, W, C]",
        doc: "MNIST, Fashion-MNIST, EMNIST and others of their form (LeCun 1998): train-images-idx3-ubyte, \
              train-labels-idx1-ubyte and the same with t10k (or test), each as it is or packed by gzip (.gz). Grey becomes \
              three equal channels; with `channels: 1` it stays grey.",
    },
    look: |config| {
        valid(config)?;
        let heads = [Split::Train, Split::Test].map(|split| read(config, split).ok());
        let size = heads.iter().flatten().next().map_or((28, 28), |set| set.size);
        let classes = heads.iter().flatten().map(|set| set.classes).max();
        let whole = config.clone();
        pool::settle(config, || open(&whole, Split::Train, &Access::default()).ok());
        Ok(Facts::of_pictures(Frame::fixed(size).of(pool::channels(config)), classes, pool::norm(config)))
    },
    seen: |path| find(path, "", Split::Train).is_ok(),
    present: |config| {
        let at = |split| find(Path::new(config.text("path")), config.text("prefix"), split).map(|_| ());
        at(Split::Train).and_then(|()| at(Split::Test))
    },
    open,
    both: |config, access| each(config, access, open),
};

/// First bytes of a file of pictures, and of one of labels: unsigned bytes in three dimensions, and in one.
const PICTURES: u32 = 0x0803;
const LABELS: u32 = 0x0801;
/// The most bytes of a file.
const MOST: u64 = 1 << 34;

/// A split as it is stored.
struct Stored {
    /// `[count, height, width]`.
    pixels: Vec<u8>,
    labels: Vec<u8>,
    size: (usize, usize),
    classes: usize,
}

/// Complains of arguments that cannot be.
fn valid(config: &Config) -> Result<(), DataError> {
    if !matches!(pool::channels(config), 1 | CHANNELS) {
        let error = DataError::new("these pictures are grey: `channels` is 1, or 3 for three equal ones");
        return Err(error);
    }
    pool::valid(config)
}

fn open(config: &Config, split: Split, _: &Access) -> Result<Box<dyn DataSet>, DataError> {
    valid(config)?;
    let own = read(config, split)?;
    // A class that the other part alone has is one, too.
    let other = if split == Split::Train { Split::Test } else { Split::Train };
    let classes = read(config, other).map_or(own.classes, |other| other.classes.max(own.classes));
    let norm = pool::norm(config);
    Ok(Box::new(InMemory {
        name: format!("idx {} ({})", config.text("path"), split.name()),
        size: own.size,
        channels: pool::channels(config),
        bytes: own.pixels.iter().flat_map(|&grey| std::iter::repeat_n(grey, pool::channels(config))).collect(),
        labels: own.labels.iter().map(|&label| Some(u32::from(label))).collect(),
        classes: (0..classes).map(|class| class.to_string()).collect(),
        mean_std: norm,
        digests: OnceLock::new(),
    }))
}

/// Pixels and labels of a split.
fn read(config: &Config, split: Split) -> Result<Stored, DataError> {
    let (images, labels) = find(Path::new(config.text("path")), config.text("prefix"), split)?;
    let (shape, pixels) = unpack(&images, PICTURES).map_err(|e| e.in_file(&images))?;
    let (counted, known) = unpack(&labels, LABELS).map_err(|e| e.in_file(&labels))?;
    let [count, height, width] = shape[..] else { return Err(DataError::new("holds no pictures").in_file(&images)) };
    if counted != [count] {
        return Err(DataError::new(format!("holds {} labels for {count} pictures", counted[0])).in_file(&labels));
    }
    if count == 0 || height == 0 || width == 0 {
        return Err(DataError::new("holds no pictures").in_file(&images));
    }
    let classes = known.iter().max().map_or(0, |&class| usize::from(class) + 1);
    Ok(Stored { pixels, labels: known, size: (height, width), classes })
}

/// The files of pictures and of labels of a split.
fn find(folder: &Path, prefix: &str, split: Split) -> Result<(PathBuf, PathBuf), DataError> {
    let failed = |e: std::io::Error| DataError::new(format!("cannot be read: {e}")).in_file(folder);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let called: &[&str] = if split == Split::Train { &["train"] } else { &["t10k", "test"] };
    let file = |what: &str| {
        let fits = |name: &&String| {
            // Some write a dot for the dash.
            let plain = name.to_ascii_lowercase().replace('.', "-");
            name.starts_with(prefix) && plain.contains(what) && called.iter().any(|part| plain.contains(part))
        };
        match names.iter().filter(fits).collect::<Vec<_>>()[..] {
            [one] => Ok(folder.join(one)),
            // The same file packed and not.
            [one, other] if *other == format!("{one}.gz") => Ok(folder.join(one)),
            [] => Err(DataError::new(format!("holds no {prefix}{}-{what}", called[0])).in_file(folder)),
            [one, other, ..] => Err(DataError::new(format!("holds several sets: {one}, {other}"))
                .in_file(folder)
                .help("say which by `prefix`, as in `idx(\"DIR\", prefix: \"emnist-letters\")`")),
        }
    };
    Ok((file("images-idx3-ubyte")?, file("labels-idx1-ubyte")?))
}

/// The dimensions and bytes of a file with that number at its beginning.
fn unpack(path: &Path, magic: u32) -> Result<(Vec<usize>, Vec<u8>), DataError> {
    let failed = |e: std::io::Error| DataError::new(format!("cannot be read: {e}")).help("fetch it again");
    let file = open_file(path).map_err(failed)?;
    let mut from: Box<dyn Read> = match path.extension().is_some_and(|ending| ending == "gz") {
        true => Box::new(GzDecoder::new(std::io::BufReader::new(file))),
        false => Box::new(std::io::BufReader::new(file)),
    };
    let mut number = || -> Result<u32, DataError> {
        let mut bytes = [0; 4];
        from.read_exact(&mut bytes).map_err(failed)?;
        Ok(u32::from_be_bytes(bytes))
    };
    let found = number()?;
    if found != magic {
        let reason = format!("begins with 0x{found:08x}, a file of this kind with 0x{magic:08x}");
        return Err(DataError::new(reason).help("files of unsigned bytes are read; fetch it again"));
    }
    let shape = (0..magic & 0xff).map(|_| number().map(|n| n as usize)).collect::<Result<Vec<_>, _>>()?;
    let length = shape.iter().try_fold(1u64, |product, &n| product.checked_mul(n as u64)).filter(|n| *n <= MOST);
    let length =
        length.ok_or_else(|| DataError::new(format!("says that it holds {shape:?} bytes, which is too much")))?;
    let mut bytes = Vec::new();
    from.take(length + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 {
        found if found == length => Ok((shape, bytes)),
        found if found < length => {
            Err(DataError::new(format!("ends after {found} of {length} bytes")).help("fetch it again"))
        }
        _ => Err(DataError::new(format!("holds more than the {length} bytes that it says")).help("fetch it again")),
    }
}
