//! Where arrays are: in a zip file of numpy's, in files of a folder, in a file alone.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::data::DataError;
use crate::source::open_file;

/// The ending of an array, and of several in one file.
const ARRAY: &str = "npy";
const SEVERAL: &str = "npz";

/// Arrays by their names.
pub enum Source {
    /// In one zip file.
    Zip(PathBuf),
    /// Each a file of a folder.
    Folder(PathBuf),
    /// One file.
    Alone(PathBuf),
}

impl Source {
    /// What is at a path.
    pub fn of(path: &Path) -> Self {
        let packed = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(SEVERAL));
        match (packed, path.is_dir()) {
            (_, true) => Self::Folder(path.to_owned()),
            (true, _) => Self::Zip(path.to_owned()),
            _ => Self::Alone(path.to_owned()),
        }
    }

    /// The names of the arrays, without their ending, sorted.
    pub fn names(&self) -> Result<Vec<String>, DataError> {
        let mut names = match self {
            Self::Zip(path) => {
                let zip = zip(path)?;
                let all = zip.file_names().map(|name| name.map(|name| name.into_owned()));
                all.collect::<Result<Vec<_>, _>>().map_err(|e| damaged(&e))?
            }
            Self::Folder(path) => {
                let entries = std::fs::read_dir(path).map_err(|e| unreadable(&e))?;
                let name =
                    |entry: std::io::Result<std::fs::DirEntry>| Some(entry.ok()?.file_name().to_str()?.to_owned());
                entries.filter_map(name).collect()
            }
            Self::Alone(path) => vec![path.file_name().unwrap_or_default().to_string_lossy().into_owned()],
        };
        let stem = |name: &String| {
            let path = Path::new(name);
            let array = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(ARRAY));
            array.then(|| path.with_extension("").to_string_lossy().into_owned())
        };
        names = names.iter().filter_map(stem).collect();
        names.sort();
        match names.is_empty() {
            true => Err(DataError::new("holds no arrays of numpy's")),
            false => Ok(names),
        }
    }

    /// Does something with what an array's file holds, from its beginning on.
    pub fn with<T>(
        &self,
        name: &str,
        read: &mut dyn FnMut(&mut dyn Read) -> Result<T, DataError>,
    ) -> Result<T, DataError> {
        let path = match self {
            Self::Zip(path) => return packed(&mut zip(path)?, name, read),
            Self::Folder(path) => path.join(format!("{name}.{ARRAY}")),
            Self::Alone(path) => path.clone(),
        };
        let file = open_file(&path).map_err(|e| unreadable(&e).in_file(&path))?;
        read(&mut BufReader::new(file))
    }
}

fn packed<T>(
    zip: &mut ZipArchive<BufReader<File>>,
    name: &str,
    read: &mut dyn FnMut(&mut dyn Read) -> Result<T, DataError>,
) -> Result<T, DataError> {
    let place = zip.index_for_name(&format!("{name}.{ARRAY}"));
    let place = place.ok_or_else(|| DataError::new(format!("holds no array `{name}`")))?;
    let mut entry = zip.by_index_raw(place).map_err(|e| damaged(&e))?;
    match entry.compression() {
        CompressionMethod::Stored => read(&mut entry),
        CompressionMethod::DEFLATE => read(&mut BufReader::new(DeflateDecoder::new(entry))),
        other => Err(DataError::new(format!("is packed by {other}, which is not read"))
            .help("save it by numpy's `savez` or `savez_compressed`")),
    }
}

fn zip(path: &Path) -> Result<ZipArchive<BufReader<File>>, DataError> {
    let file = open_file(path).map_err(|e| unreadable(&e).in_file(path))?;
    ZipArchive::new(BufReader::new(file)).map_err(|e| damaged(&e))
}

fn unreadable(error: &std::io::Error) -> DataError {
    DataError::new(format!("cannot be read: {error}"))
}

fn damaged(error: &zip::result::ZipError) -> DataError {
    DataError::new(format!("is no readable file of arrays: {error}")).help("fetch it again")
}
