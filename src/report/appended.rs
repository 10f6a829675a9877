//! A file that grows at its end while others may read it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::atomic::write_atomically;

/// A file to which whole pieces are added.
#[derive(Debug)]
pub(super) struct Appended {
    file: File,
    path: PathBuf,
    /// How long the file is, as far as its pieces are whole.
    whole: u64,
    /// Pieces that there was no room for yet.
    waiting: Vec<u8>,
}

impl Appended {
    /// A file that begins with these bytes, whatever was in it before; an error names it.
    pub fn begin(path: &Path, contents: &[u8]) -> Result<Self, String> {
        write_atomically(path, contents)?;
        let explain = |e: std::io::Error| format!("cannot write {}: {e}", path.display());
        let file = OpenOptions::new().read(true).append(true).open(path).map_err(explain)?;
        let whole = file.metadata().map_err(explain)?.len();
        Ok(Self { file, path: path.to_owned(), whole, waiting: Vec::new() })
    }

    /// Adds a piece at once, so that a reader who follows the file is up to date. One that cannot be written is kept, and written with
    /// the next.
    pub fn add(&mut self, piece: &[u8]) -> Result<(), String> {
        self.waiting.extend_from_slice(piece);
        self.flush()
    }

    /// Writes what could not be written before.
    pub fn flush(&mut self) -> Result<(), String> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.file.write_all(&self.waiting) {
            // Half a piece would be joined to the next; where it cannot be cut off, either, a reader skips it.
            let _ = self.file.set_len(self.whole);
            return Err(format!("cannot write {}: {error}", self.path.display()));
        }
        self.whole += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }

    /// All that has been added, also where the file has lost its name since, or has no room for the last of it.
    pub fn contents(&mut self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut bytes)?;
        bytes.extend_from_slice(&self.waiting);
        Ok(bytes)
    }
}
