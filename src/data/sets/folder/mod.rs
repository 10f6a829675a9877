//! `folder`: pictures of any size in a folder, with or without classes.

mod listing;

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use listing::{Found, Listing, list};

use super::Set;
use super::pool::{self, Bytes, CHANNEL_COUNT, GROUP, MAX_PIXELS, MEAN, MOST, Pool, SEED, SIZE, STD, Sample, TEST};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::data::DataError;
use crate::source::read_file;

/// The word `folder`.
pub static SET: Set = Set {
    entry: Entry {
        name: "folder",
        kind: Kind::DataSet,
        params: &[
            Param::required("path", ParamType::Path, "The folder."),
            SIZE,
            CHANNEL_COUNT,
            TEST,
            Param::optional(
                "labels",
                ParamType::Choice(&["auto", "folders", "none"]),
                "auto",
                "Whether the uppermost folders are classes; `auto`: if there are several and every picture lies in one.",
            ),
            GROUP,
            MOST,
            SEED,
            MEAN,
            STD,
            MAX_PIXELS,
        ],
        formula: "files -> pictures [H, W, C] of any size",
        doc: "Pictures in a folder and all below it: JPEG, PNG, WebP, BMP, TIFF, GIF. Where it has folders train and \
              test (val, valid, validation), these are the two parts, or else `test` says how large a share is judged \
              on. Each picture is turned as its EXIF says, grey becomes three channels, transparency white. Nothing is \
              squashed: views are made of whole pictures. With `channels` pictures of one channel or of more than three stay what they \
              are: TIFF, PNG, arrays of `.npy`. One that cannot be decoded is left out and told of; \
              `--strict` stops at it.",
    },
    look: |config| pool::look(config, found),
    seen: |path| path.is_dir(),
    present: |config| found(config).map(|_| ()),
    open: |config, split, access| Ok(found(config)?.open(config, split, access)),
    both: |config, access| Ok(found(config)?.both(config, access)),
};

/// Names of folders that hold a part of a data set, in any case of letters.
const TRAIN: &[&str] = &["train", "training"];
const TEST_NAMES: &[&str] = &["test", "val", "valid", "validation"];

/// The pictures of a folder in two parts, by its folders `train` and `test` where both are there, or else by share.
fn found(config: &Config) -> Result<Pool<File>, DataError> {
    let root = Path::new(config.text("path"));
    let arrays = pool::said_channels(config).is_some();
    let Listing { files, unread } = list(root, arrays)?;
    let said = match config.text("labels") {
        "folders" => Some(true),
        "none" => Some(false),
        _ => None,
    };
    let part_called = |names: &[&str]| {
        let mut all = files.iter().filter_map(|f| folder(&f.path, 0));
        all.find(|name| names.contains(&name.to_ascii_lowercase().as_str()))
    };
    let part = |name: &str| -> Vec<Sample<File>> {
        let inside: Vec<&Found> = files.iter().filter(|f| folder(&f.path, 0) == Some(name)).collect();
        labelled(root, &inside, 1, said)
    };
    let mut pool = match (part_called(TRAIN), part_called(TEST_NAMES)) {
        (Some(train), Some(test)) => Pool { train: part(train), test: part(test), classes: None, notes: Vec::new() },
        (Some(train), None) => Pool::by_share(part(train), config)?,
        _ => Pool::by_share(labelled(root, &files.iter().collect::<Vec<_>>(), 0, said), config)?,
    };
    let kinds: Vec<String> = unread.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let besides = (!kinds.is_empty()).then(|| format!("of kinds that are not read there are {}", kinds.join(", ")));
    pool.notes.extend(besides.clone());
    pool.sound(config).map_err(|error| {
        let help = "pictures are JPEG, PNG, WebP, BMP, TIFF and GIF files, in the folder or in folders below it";
        error.in_file(root).help(besides.map_or(help.to_owned(), |besides| format!("{besides}; {help}")))
    })
}

/// The pictures below a folder, in the order of their paths, and arrays among them where these count.
pub fn pictures(root: &Path, arrays: bool) -> Result<Vec<PathBuf>, DataError> {
    Ok(list(root, arrays)?.files.into_iter().map(|found| root.join(found.path)).collect())
}

/// The folder of a path that lies so deep; nothing for a file that does not.
fn folder(path: &Path, depth: usize) -> Option<&str> {
    let mut folders = path.parent()?.components().filter(|c| matches!(c, Component::Normal(_)));
    folders.nth(depth)?.as_os_str().to_str()
}

/// Files with their classes, which are the folders at a depth: if that is said, or if there are at least two and every file lies in one.
fn labelled(root: &Path, files: &[&Found], depth: usize, said: Option<bool>) -> Vec<Sample<File>> {
    let names: Vec<Option<&str>> = files.iter().map(|f| folder(&f.path, depth)).collect();
    let several = names.iter().any(|name| *name != names[0]);
    let classes = said.unwrap_or(several && names.iter().all(Option::is_some));
    let sample = |(f, name): (&&Found, &Option<&str>)| Sample {
        name: text(&f.path),
        class: name.filter(|_| classes).map(str::to_owned),
        group: None,
        place: File { path: root.join(&f.path), length: f.length },
    };
    files.iter().zip(&names).map(sample).collect()
}

/// A path with `/` between its folders, on any system.
fn text(path: &Path) -> String {
    path.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// A picture's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path.
    pub path: PathBuf,
    /// Its bytes.
    pub length: u64,
}

impl Bytes for File {
    fn bytes(&self) -> Result<Cow<'_, [u8]>, DataError> {
        read_file(&self.path).map(Cow::Owned).map_err(|e| DataError::new(format!("cannot be read: {e}")))
    }

    fn hint(&self) -> u64 {
        self.length
    }
}
