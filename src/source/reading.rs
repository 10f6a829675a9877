//! Reads whole files: regular ones only, up to a length.

use std::fs::{File, Metadata};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// The most bytes of a recipe.
pub const LONGEST_RECIPE: u64 = 4 << 20;
/// The most bytes of what a run says of itself in one text.
pub const LONGEST_RECORD: u64 = 1 << 28;

/// Opens a regular file. A folder, device, pipe or socket is an error: what it holds is no file's contents, and may have no end.
pub fn open_file(path: &Path) -> Result<File> {
    // Looked at before, since opening a pipe waits for who writes into it, and again, since it may be another one by then.
    regular(&std::fs::metadata(path)?)?;
    let file = File::open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// All bytes of a regular file.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    let file = open_file(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(length).map_err(|_| too_long(length))?)?;
    // It may have grown since: what was written behind it is no part of what was asked for.
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// All of a regular file of at most `most` bytes, as text.
pub fn read_text(path: &Path, most: u64) -> Result<String> {
    read_stream(open_file(path)?, most)
}

/// All of a file of at most `most` bytes that a user names on the command line, as text: a pipe will do, as a shell makes one of a
/// command's output.
pub fn read_named(path: &Path, most: u64) -> Result<String> {
    match std::fs::metadata(path)?.is_dir() {
        true => Err(folder()),
        false => read_stream(File::open(path)?, most),
    }
}

/// All of what can be read of `from`, at most `most` bytes, as text.
pub fn read_stream(from: impl Read, most: u64) -> Result<String> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_long(most));
    }
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "it is not text in UTF-8"))
}

fn regular(metadata: &Metadata) -> Result<()> {
    match (metadata.is_file(), metadata.is_dir()) {
        (true, _) => Ok(()),
        (false, true) => Err(folder()),
        (false, false) => {
            Err(Error::new(ErrorKind::InvalidInput, "it is not a file, but a device, a pipe or a socket"))
        }
    }
}

fn folder() -> Error {
    Error::new(ErrorKind::IsADirectory, "it is a folder, not a file")
}

fn too_long(most: u64) -> Error {
    Error::new(ErrorKind::FileTooLarge, format!("it is longer than {most} bytes"))
}
