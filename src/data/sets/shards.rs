//! `shards`: pictures in tar files, as WebDataset has them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::Set;
use super::pool::{
    self, Bytes, CHANNEL_COUNT, Files, GROUP, MAX_PIXELS, MEAN, MOST, Pool, SEED, SIZE, STD, Sample, TEST, files, holds,
};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::data::DataError;
use crate::source::open_file;

/// The word `shards`.
pub static SET: Set = Set {
    entry: Entry {
        name: "shards",
        kind: Kind::DataSet,
        params: &[
            Param::required(
                "path",
                ParamType::Path,
                "A tar file, several by `*` in the name, or the folder with them.",
            ),
            SIZE,
            CHANNEL_COUNT,
            TEST,
            GROUP,
            MOST,
            SEED,
            MEAN,
            STD,
            MAX_PIXELS,
        ],
        formula: "members -> pictures [H, W, C] of any size",
        doc: "Tar files as WebDataset writes them: members with one name up to the first dot are a sample, a picture and \
              perhaps its class in NAME.cls, a number or a name. Files called train*.tar and test*.tar (validation, valid, \
              val) are the two parts; of others, `test` says how large a share is judged on. Pictures are read where they \
              lie when they are asked for.",
    },
    look: |config| pool::look(config, found),
    seen: |path| holds(path, "tar"),
    present: |config| files(Path::new(config.text("path")), "tar").map(|_| ()),
    open: |config, split, access| Ok(found(config)?.open(config, split, access)),
    both: |config, access| Ok(found(config)?.both(config, access)),
};

/// Endings of members that are pictures.
const PICTURES: &[&str] = &["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif", "img", "image"];
/// The ending of an array, which is a picture only where somebody says what its channels are.
const ARRAY: &str = "npy";
/// Endings of members that say a class.
const CLASSES: &[&str] = &["cls", "cls.txt", "label"];
/// The most bytes of a class.
const LONGEST_CLASS: u64 = 1 << 10;

fn found(config: &Config) -> Result<Pool<Member>, DataError> {
    let (path, arrays) = (Path::new(config.text("path")), pool::said_channels(config).is_some());
    let read = |files: Vec<PathBuf>| -> Result<Vec<Sample<Member>>, DataError> {
        let each: Vec<_> = files.par_iter().map(|file| samples(file, arrays).map_err(|e| e.in_file(file))).collect();
        Ok(each.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    };
    let mut pool = match files(path, "tar")? {
        Files::Divided(train, test) => {
            Pool { train: read(train)?, test: read(test)?, classes: None, notes: Vec::new() }
        }
        Files::Whole(files) => Pool::by_share(read(files)?, config)?,
    };
    pool.classes = numbered(&pool);
    pool.sound(config).map_err(|error| error.in_file(path))
}

/// Classes in the order of their numbers, where all of them are numbers.
fn numbered(pool: &Pool<Member>) -> Option<Vec<String>> {
    let classes: BTreeSet<&String> = pool.train.iter().chain(&pool.test).filter_map(|s| s.class.as_ref()).collect();
    let mut numbers = classes.into_iter().map(|class| class.parse::<u32>().ok()).collect::<Option<Vec<u32>>>()?;
    numbers.sort_unstable();
    (!numbers.is_empty()).then(|| numbers.iter().map(u32::to_string).collect())
}

/// The samples of one file, in the order of their pictures, of which arrays are some or not.
fn samples(path: &Path, arrays: bool) -> Result<Vec<Sample<Member>>, DataError> {
    let failed = |e: std::io::Error| DataError::new(format!("is no readable tar file: {e}")).help("fetch it again");
    let file = open_file(path).map_err(failed)?;
    let (length, shared) = (file.metadata().map_err(failed)?.len(), Arc::new(path.to_owned()));
    let mut archive = tar::Archive::new(file);
    let (mut pictures, mut classes) = (Vec::new(), BTreeMap::new());
    for entry in archive.entries_with_seek().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        let member = entry.path().map_err(failed)?.to_string_lossy().into_owned();
        let Some((key, ending)) = parts(&member) else { continue };
        let (offset, size) = (entry.raw_file_position(), entry.size());
        if offset.checked_add(size).is_none_or(|end| end > length) {
            return Err(DataError::new(format!("ends within `{member}`")).help("fetch it again"));
        }
        if PICTURES.contains(&ending.as_str()) || arrays && ending == ARRAY {
            pictures.push((key, member, Member { file: shared.clone(), offset, length: size }));
        } else if CLASSES.contains(&ending.as_str()) {
            let mut text = String::new();
            entry.by_ref().take(LONGEST_CLASS).read_to_string(&mut text).map_err(failed)?;
            classes.insert(key, text.trim().to_owned());
        }
    }
    let title = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let sample = |(key, member, place): (String, String, Member)| Sample {
        name: format!("{title}/{member}"),
        class: classes.get(&key).filter(|class| !class.is_empty()).cloned(),
        group: None,
        place,
    };
    Ok(pictures.into_iter().map(sample).collect())
}

/// The sample that a member belongs to, and what of it, in lower case; nothing for hidden ones.
fn parts(member: &str) -> Option<(String, String)> {
    let at = member.rfind('/').map_or(0, |slash| slash + 1);
    let dot = member[at..].find('.').filter(|dot| *dot > 0)? + at;
    Some((member[..dot].to_owned(), member[dot + 1..].to_ascii_lowercase()))
}

/// A member of a tar file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    file: Arc<PathBuf>,
    offset: u64,
    length: u64,
}

impl Bytes for Member {
    fn bytes(&self) -> Result<Cow<'_, [u8]>, DataError> {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file: File = open_file(&self.file)?;
            file.seek(SeekFrom::Start(self.offset))?;
            let mut bytes = Vec::new();
            file.take(self.length).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map(Cow::Owned).map_err(|e| DataError::new(format!("cannot be read: {e}")))
    }

    fn hint(&self) -> u64 {
        self.length
    }
}
