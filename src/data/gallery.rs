//! Pictures that are fetched and decoded when they are asked for, and kept while there is room.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::augment::PixelNorm;
use super::{Access, CHANNELS, DataError, DataSet, Frame, Image};
use crate::random::Digest;

/// Where pictures come from, encoded.
pub trait Origin: Send + Sync {
    /// The bytes of a picture's file.
    fn encoded(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError>;

    /// What a picture is called.
    fn name(&self, index: usize) -> String;

    /// See [`DataSet::hint`].
    fn hint(&self, index: usize) -> u64;
}

/// What is known of pictures besides their pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogue {
    /// What the set is called.
    pub name: String,
    /// The class of every picture; `None` where it has none.
    pub labels: Vec<Option<u32>>,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Height and width that pictures are taken to have, and their channels.
    pub frame: Frame,
    /// Mean and standard deviation of each channel.
    pub mean_std: PixelNorm,
    /// The most pixels of a picture that is decoded.
    pub most_pixels: u64,
    /// A number that changes with the list of pictures, their lengths or labels.
    pub fingerprint: u64,
    /// What the user must know of them.
    pub notes: Vec<String>,
}

/// Pictures of any size.
///
/// Which of them are kept depends on the order in which they are asked for, what comes out does not: a picture is decoded alike each time.
pub struct Gallery {
    about: Catalogue,
    origin: Box<dyn Origin>,
    access: Access,
    kept: Vec<OnceLock<Image<'static>>>,
    /// Bytes for which there is still room.
    room: AtomicU64,
    spoilt: Mutex<BTreeMap<usize, DataError>>,
}

impl Gallery {
    /// Of pictures whose encoded bytes an origin has.
    pub fn new(about: Catalogue, origin: Box<dyn Origin>, access: &Access) -> Self {
        let kept = (0..about.labels.len()).map(|_| OnceLock::new()).collect();
        Self { about, origin, access: *access, kept, room: AtomicU64::new(access.cache), spoilt: Mutex::default() }
    }

    fn decode(&self, index: usize) -> Result<Image<'static>, DataError> {
        let bytes = self.origin.encoded(index)?;
        // Decoders are other people's: what one of them does not survive is a picture that cannot be used.
        let decode = AssertUnwindSafe(|| Image::decode_as(&bytes, self.about.most_pixels, self.about.frame.channels));
        catch_unwind(decode).unwrap_or_else(|_| Err(DataError::new("cannot be decoded as an image: it is damaged")))
    }

    /// An error of a picture that cannot be used: told of once, and the end of all only where that was asked for.
    fn spoil(&self, index: usize, error: DataError) -> DataError {
        let error = error.in_file(self.origin.name(index).as_ref());
        if self.access.strict {
            return error;
        }
        let error = error.of_one();
        let mut spoilt = self.spoilt.lock().unwrap_or_else(PoisonError::into_inner);
        spoilt.entry(index).or_insert(error).clone()
    }

    /// What is wrong with a picture, if somebody has found it.
    fn known(&self, index: usize) -> Option<DataError> {
        self.spoilt.lock().unwrap_or_else(PoisonError::into_inner).get(&index).cloned()
    }

    /// Takes so much of the room, if there is so much.
    fn take(&self, bytes: u64) -> bool {
        self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(bytes)).is_ok()
    }
}

impl DataSet for Gallery {
    fn len(&self) -> usize {
        self.about.labels.len()
    }

    fn classes(&self) -> &[String] {
        &self.about.classes
    }

    fn label(&self, index: usize) -> Option<u32> {
        self.about.labels.get(index).copied().flatten()
    }

    fn image(&self, index: usize) -> Result<Image<'_>, DataError> {
        let place = self.kept.get(index).ok_or_else(|| DataError::new("no such picture").at_row(index))?;
        if let Some(kept) = place.get() {
            return Ok(kept.lent());
        }
        if let Some(known) = self.known(index) {
            return Err(known);
        }
        let image = self.decode(index).map_err(|error| self.spoil(index, error))?;
        if !self.take(image.data.len() as u64) {
            return Ok(image);
        }
        Ok(place.get_or_init(|| image).lent())
    }

    fn fetch(&self, index: usize) -> Result<Option<u64>, DataError> {
        if let Some(known) = self.known(index) {
            return Err(known);
        }
        let bytes = self.origin.encoded(index).map_err(|error| self.spoil(index, error))?;
        Ok(Some(bytes.len() as u64))
    }

    fn name(&self, index: usize) -> Option<String> {
        (index < self.len()).then(|| self.origin.name(index))
    }

    fn frame(&self) -> Frame {
        self.about.frame
    }

    fn mean_std(&self) -> PixelNorm {
        self.about.mean_std.clone()
    }

    fn fingerprint(&self) -> Option<u64> {
        Some(self.about.fingerprint)
    }

    fn hint(&self, index: usize) -> Option<u64> {
        (index < self.len()).then(|| self.origin.hint(index))
    }

    fn content(&self, index: usize) -> Option<u64> {
        let bytes = (index < self.len()).then(|| self.origin.encoded(index).ok()).flatten()?;
        let mut digest = Digest::new();
        digest.bytes(&bytes);
        Some(digest.finish())
    }

    fn spoilt(&self) -> Vec<DataError> {
        self.spoilt.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn notes(&self) -> Vec<String> {
        self.about.notes.clone()
    }

    fn describe(&self) -> String {
        let (height, width) = self.about.frame.size;
        let classes = match self.about.classes.len() {
            0 => "without classes".to_owned(),
            count => format!("{count} classes"),
        };
        let channels = match self.about.frame.channels {
            CHANNELS => String::new(),
            1 => "one channel, ".to_owned(),
            count => format!("{count} channels, "),
        };
        format!("{}: {} pictures, taken as {height}x{width}, {channels}{classes}", self.about.name, self.len())
    }
}
