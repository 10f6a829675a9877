//! Pages of pictures that have been read, as many as there is room for: the last ones that were asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ::parquet::data_type::ByteArray;

use crate::data::DataError;

/// The pictures of some rows, encoded; `None` where there is none.
pub type Page = Vec<Option<ByteArray>>;

/// File, group of rows and page.
type Key = (usize, usize, usize);

/// Pages, of which at most so many bytes are kept.
pub struct Cache {
    most: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: HashMap<Key, Kept>,
    bytes: u64,
    /// Counts what is asked for.
    now: u64,
}

struct Kept {
    page: Arc<OnceLock<Result<Page, DataError>>>,
    bytes: u64,
    used: u64,
}

impl Cache {
    /// Of at most so many bytes; a page that is larger is kept alone.
    pub fn new(most: u64) -> Arc<Self> {
        Arc::new(Self { most, state: Mutex::default() })
    }

    /// A page, read where it is not kept. Several that ask for the same one wait for the first.
    pub fn page(&self, key: Key, read: impl FnOnce() -> Result<Page, DataError>) -> Rows {
        let page = {
            let mut state = self.lock();
            state.now += 1;
            let now = state.now;
            let kept = state.kept.entry(key).or_insert_with(|| Kept { page: Arc::default(), bytes: 0, used: now });
            kept.used = now;
            kept.page.clone()
        };
        let mut read_here = false;
        page.get_or_init(|| {
            read_here = true;
            read()
        });
        if read_here {
            let bytes = |rows: &Page| rows.iter().flatten().map(|row| row.len() as u64).sum();
            self.lock().count(key, page.get().and_then(|page| page.as_ref().ok()).map_or(0, bytes), self.most);
        }
        Rows(page)
    }

    /// No code that can panic runs under the lock, so a poisoned one still holds a sound state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a page that has been read, and lets go of those that were asked for longest ago.
    fn count(&mut self, key: Key, bytes: u64, most: u64) {
        if let Some(kept) = self.kept.get_mut(&key) {
            self.bytes += bytes - kept.bytes;
            kept.bytes = bytes;
        }
        while self.bytes > most {
            let old = self.kept.iter().filter(|(other, kept)| **other != key && kept.bytes > 0);
            let Some(old) = old.min_by_key(|(_, kept)| kept.used).map(|(old, _)| *old) else { return };
            self.bytes -= self.kept.remove(&old).map_or(0, |kept| kept.bytes);
        }
    }
}

/// The rows of a page, which stay while they are looked at.
pub struct Rows(Arc<OnceLock<Result<Page, DataError>>>);

impl Rows {
    /// The picture of a row; an error where the page could not be read.
    pub fn picture(&self, row: usize) -> Result<&[u8], DataError> {
        match self.0.get() {
            Some(Ok(page)) => Ok(page.get(row).and_then(Option::as_ref).map_or(&[], |bytes| bytes.data())),
            Some(Err(error)) => Err(error.clone()),
            None => Ok(&[]),
        }
    }
}
