//! Files that are written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::system::{for_everybody, has_other_names, take_after};

/// How the name of a file ends that is not whole yet.
const PART: &str = ".part";
/// As many links as Linux follows.
const LINKS: usize = 40;
/// The most characters of a file's name that stand in the name of its beginning.
const NAMED: usize = 64;
/// Bytes that are written at a time.
const BUFFER: usize = 1 << 16;

/// Writes a file beside its place and then moves it there, so that no reader ever sees half of it; an error names the file. Links
/// are followed; a file that is replaced hands on its mode and, where that is allowed, its owner; what is no file, such as a
/// device or a pipe, is written to directly.
pub fn write_atomically(path: &Path, contents: &[u8]) -> Result<(), String> {
    write_through(path, &|out| out.write_all(contents))
}

/// The same for contents that are made while they are written: what they write goes through a buffer.
pub fn write_through(path: &Path, contents: &Contents) -> Result<(), String> {
    replace(path, contents).map_err(|e| format!("cannot write {}: {e}", path.display()))
}

/// What writes the contents of a file.
pub type Contents<'a> = dyn Fn(&mut dyn Write) -> io::Result<()> + 'a;

/// Writes a new file, whole or not at all; one that is there already is left as it is, which is an error like any other.
pub fn create_atomically(path: &Path, contents: &[u8]) -> Result<(), String> {
    let create = || beside(path, &|out| out.write_all(contents))?.persist_noclobber(path).map_err(|e| e.error);
    create().map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    settle(path);
    Ok(())
}

/// Removes from a folder what writers have left there that died before their files were whole. Nobody else may be writing there.
pub fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| is_part(&entry.file_name().to_string_lossy())) {
        // What cannot be removed does no harm.
        let _ = fs::remove_file(entry.path());
    }
}

/// Whether a file of that name is the beginning of another.
pub fn is_part(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(PART)
}

fn replace(path: &Path, contents: &Contents) -> io::Result<()> {
    let target = followed(path)?;
    let old = match fs::metadata(&target) {
        Ok(old) => Some(old),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    if let Some(old) = &old {
        if old.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        if !old.is_file() {
            return buffered(&OpenOptions::new().write(true).open(&target)?, contents);
        }
        // What may not be written may not be replaced, either.
        OpenOptions::new().write(true).open(&target)?;
    }
    let beside = beside(&target, contents)?;
    match old {
        Some(old) if has_other_names(&old) => in_place(beside, &target),
        old => {
            if let Some(old) = &old {
                take_after(beside.as_file(), old)?;
            }
            beside.persist(&target).map_err(|e| e.error)?;
            settle(&target);
            Ok(())
        }
    }
}

/// The file that a path leads to, which need not be there.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..LINKS {
        match fs::symlink_metadata(&target) {
            Ok(found) if found.is_symlink() => {
                let next = fs::read_link(&target)?;
                target = target.parent().unwrap_or(Path::new("")).join(next);
            }
            _ => return Ok(target),
        }
    }
    Err(io::Error::other("it is a ring of links"))
}

/// The contents in a new file of a name that nobody can foresee, in the folder of the target.
fn beside(target: &Path, contents: &Contents) -> io::Result<NamedTempFile> {
    let name = target.file_name().ok_or_else(|| io::Error::other("it names no file"))?;
    let name: String = name.to_string_lossy().chars().take(NAMED).collect();
    let prefix = format!(".{name}.");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(PART).rand_bytes(12);
    if let Some(permissions) = for_everybody() {
        builder.permissions(permissions);
    }
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = builder.tempfile_in(folder);
    // The name of the file beside says nothing to anybody.
    let file = file.map_err(|e| io::Error::from(e.kind()))?;
    buffered(file.as_file(), contents)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn buffered(file: &File, contents: &Contents) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER, file);
    contents(&mut out)?;
    out.flush()
}

/// Writes over a file that has several names; what should be in it stays beside where that breaks off.
fn in_place(beside: NamedTempFile, target: &Path) -> io::Result<()> {
    let write = || {
        let mut contents = beside.as_file();
        contents.rewind()?;
        let mut file = OpenOptions::new().write(true).open(target)?;
        let length = io::copy(&mut contents, &mut file)?;
        file.set_len(length)?;
        file.sync_all()
    };
    write().or_else(|error| {
        let (_, kept) = beside.keep().map_err(|e| e.error)?;
        Err(io::Error::new(error.kind(), format!("{error}; what should be in it is in {}", kept.display())))
    })
}

/// Lets a file's name outlast a loss of power, where the system can do that for folders.
fn settle(target: &Path) {
    if let Some(folder) = target.parent()
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}
