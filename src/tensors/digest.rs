//! The digest of a file, as its bytes come by. It stands in the header, and is of what comes before and behind its own place.

use std::io::{self, Read, Write};

use crate::random::Digest;

/// The key of the digest: sixteen hexadecimal digits.
pub(super) const KEY: &str = "digest";
/// What stands for a digest that is not known yet.
pub(super) const BLANK: &str = "0000000000000000";

/// Where the digest stands in the beginning of a file: behind its key, which cannot occur in a string before it, where quotes are escaped.
pub(super) fn place(beginning: &[u8]) -> Option<usize> {
    let key = format!("\"{KEY}\":\"");
    let at = beginning.windows(key.len()).position(|window| window == key.as_bytes())? + key.len();
    (at + BLANK.len() <= beginning.len()).then_some(at)
}

/// The digest of a file with the given beginning, in which it has that place; `rest` writes what follows.
pub(super) fn of_written(
    beginning: &[u8],
    place: usize,
    rest: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<String> {
    let mut pieces = Pieces::behind(beginning, place);
    rest(&mut pieces)?;
    Ok(pieces.finish())
}

/// The same where what follows is read.
pub(super) fn of_read(beginning: &[u8], place: usize, rest: &mut dyn Read) -> io::Result<String> {
    of_written(beginning, place, |mut pieces| io::copy(rest, &mut pieces).map(|_| ()))
}

/// Takes bytes in that come in pieces, as [`Digest::bytes`] does if they come at once.
struct Pieces {
    digest: Digest,
    /// Those that do not make up a word yet.
    held: [u8; 8],
    count: u64,
}

impl Pieces {
    fn behind(beginning: &[u8], place: usize) -> Self {
        let mut digest = Digest::new();
        digest.bytes(&beginning[..place]);
        let mut pieces = Self { digest, held: [0; 8], count: 0 };
        pieces.add(&beginning[place + BLANK.len()..]);
        pieces
    }

    fn held(&self) -> usize {
        (self.count % 8) as usize
    }

    fn add(&mut self, mut bytes: &[u8]) {
        let held = self.held();
        self.count += bytes.len() as u64;
        if held > 0 {
            let (first, more) = bytes.split_at(bytes.len().min(8 - held));
            self.held[held..][..first.len()].copy_from_slice(first);
            if held + first.len() < 8 {
                return;
            }
            self.digest.word(u64::from_le_bytes(self.held));
            bytes = more;
        }
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.digest.word(u64::from_le_bytes(*word)));
        self.held[..rest.len()].copy_from_slice(rest);
    }

    fn finish(mut self) -> String {
        let held = self.held();
        self.held[held..].fill(0);
        self.digest.word(u64::from_le_bytes(self.held));
        self.digest.word(self.count);
        format!("{:016x}", self.digest.finish())
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
