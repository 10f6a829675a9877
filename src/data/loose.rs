//! Pictures that a user names one by one.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::augment::PixelNorm;
use super::sets::folder::pictures;
use super::{Access, CHANNELS, Catalogue, DataError, DataSet, Frame, Gallery, MOST_PIXELS, Origin};
use crate::random::Digest;
use crate::source::read_file;

/// What pictures are taken for where it does not matter: they are prepared as an encoder takes them.
const SIZE: (usize, usize) = (96, 96);

/// A picture without a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loose {
    /// A file, or a folder of files.
    Path(PathBuf),
    /// The bytes of a file, such as those of standard input.
    Bytes(Vec<u8>),
}

/// Pictures with so many channels as a data set without labels, in the order in which they are named, those of a folder in the order of
/// their paths.
pub fn loose(pictures: &[Loose], channels: usize, access: &Access) -> Result<Arc<dyn DataSet>, DataError> {
    let mut all = Vec::new();
    for picture in pictures {
        match picture {
            Loose::Path(path) if path.is_dir() => all.extend(below(path, channels)?),
            Loose::Path(path) if !path.exists() => return Err(DataError::new("there is no such file").in_file(path)),
            other => all.push(other.clone()),
        }
    }
    let mut names = Digest::new();
    all.iter().for_each(|one| names.bytes(name(one).as_bytes()));
    let about = Catalogue {
        name: "pictures".to_owned(),
        labels: vec![None; all.len()],
        classes: Vec::new(),
        frame: Frame::nominal(SIZE).of(channels),
        mean_std: PixelNorm::unknown(channels),
        most_pixels: MOST_PIXELS,
        fingerprint: names.finish(),
        notes: Vec::new(),
    };
    Ok(Arc::new(Gallery::new(about, Box::new(Named(all)), access)))
}

fn below(folder: &Path, channels: usize) -> Result<Vec<Loose>, DataError> {
    let found = pictures(folder, channels != CHANNELS)?;
    if found.is_empty() {
        return Err(DataError::new("holds no pictures").in_file(folder));
    }
    Ok(found.into_iter().map(Loose::Path).collect())
}

fn name(picture: &Loose) -> String {
    match picture {
        Loose::Path(path) => path.display().to_string(),
        Loose::Bytes(_) => "standard input".to_owned(),
    }
}

struct Named(Vec<Loose>);

impl Origin for Named {
    fn encoded(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        match &self.0[index] {
            Loose::Path(path) => {
                read_file(path).map(Cow::Owned).map_err(|e| DataError::new(format!("cannot be read: {e}")))
            }
            Loose::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
        }
    }

    fn name(&self, index: usize) -> String {
        name(&self.0[index])
    }

    fn hint(&self, index: usize) -> u64 {
        index as u64
    }
}
