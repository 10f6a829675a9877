//! Where a picture of a table is: in a file, or in its cell.

use std::borrow::Cow;
use std::path::Path;

use ::parquet::data_type::ByteArray;

use super::sheet::Cell;
use crate::data::DataError;
use crate::data::sets::folder::File;
use crate::data::sets::pool::Bytes;
use crate::random::Digest;

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Picture {
    /// A file.
    File(File),
    /// Its bytes, and a number of them.
    Bytes(ByteArray, u64),
    /// There is none.
    None,
}

/// The picture of a row.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its row among those of the table.
    pub row: usize,
    /// The picture.
    pub picture: Picture,
}

impl Picture {
    /// What a cell says; paths are relative to a folder.
    pub fn of(cell: &Cell, folder: &Path) -> Self {
        match cell {
            Cell::Text(path) if !path.is_empty() => {
                let path = folder.join(path);
                // One that is not there is told of when it is asked for.
                let length = std::fs::metadata(&path).map_or(0, |m| m.len());
                Self::File(File { path, length })
            }
            Cell::Bytes(bytes) if !bytes.is_empty() => {
                let mut digest = Digest::new();
                digest.bytes(bytes.data());
                Self::Bytes(bytes.clone(), digest.finish())
            }
            _ => Self::None,
        }
    }

    /// See [`Bytes::hint`].
    pub fn hint(&self) -> u64 {
        match self {
            Self::File(file) => file.length,
            Self::Bytes(_, digest) => *digest,
            Self::None => 0,
        }
    }
}

impl Bytes for Place {
    fn bytes(&self) -> Result<Cow<'_, [u8]>, DataError> {
        match &self.picture {
            Picture::File(file) => file.bytes(),
            Picture::Bytes(bytes, _) => Ok(Cow::Borrowed(bytes.data())),
            Picture::None => Err(DataError::new("has no picture")),
        }
    }

    fn hint(&self) -> u64 {
        self.picture.hint()
    }
}
