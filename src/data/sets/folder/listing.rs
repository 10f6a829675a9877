//! What pictures there are below a folder: a list of names and lengths, no file is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Error;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::data::DataError;

/// Endings of files that are taken for pictures, in lower case; what a file really is shows when it is decoded.
const PICTURES: &[&str] = &["jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "dib", "tif", "tiff", "gif"];
/// The ending of an array, which is a picture only where somebody says what its channels are.
const ARRAY: &str = "npy";
/// Endings of pictures that nothing here can decode.
const UNREAD: &[&str] = &[
    "heic", "heif", "avif", "jxl", "jp2", "cr2", "cr3", "nef", "arw", "dng", "orf", "rw2", "raf", "psd", "svg", "ico",
];
/// What programs leave among pictures.
const LITTER: &[&str] = &["thumbs.db", "desktop.ini", "__macosx", "@eadir"];

/// A picture's file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Its path below the folder.
    pub path: PathBuf,
    /// Its bytes.
    pub length: u64,
}

/// All that was found below a folder.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The pictures, in the order of their paths.
    pub files: Vec<Found>,
    /// How many there are of each kind of picture that cannot be read.
    pub unread: BTreeMap<String, usize>,
}

/// What one folder, with all below it, adds to a list.
#[derive(Default)]
struct Part {
    listing: Listing,
    /// Symbolic links, which are followed once everything else is known.
    links: Vec<PathBuf>,
}

/// Lists the pictures below a folder. Hidden files are left out; a symbolic link is followed unless it leads to what is listed already.
/// Arrays of numpy count as pictures or not.
pub fn list(root: &Path, arrays: bool) -> Result<Listing, DataError> {
    let Part { mut listing, mut links } = walk(root, Path::new(""), arrays).map_err(|e| unreadable(root, &e))?;
    links.sort();
    let mut known = BTreeSet::from([whole(root)]);
    for link in links {
        follow(root, &link, arrays, &mut known, &mut listing)?;
    }
    listing.files.sort();
    Ok(listing)
}

/// What a folder holds below `root`, its folders side by side.
fn walk(root: &Path, below: &Path, arrays: bool) -> Result<Part, Error> {
    let (mut part, mut folders) = (Part::default(), Vec::new());
    for entry in std::fs::read_dir(root.join(below))? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), below.join(entry.file_name()));
        if is_litter(&name) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            folders.push(path);
        } else if kind.is_symlink() {
            part.links.push(path);
        } else if kind.is_file() && part.listing.counts(&path, arrays) {
            // One that goes away in this moment is not there.
            let length = entry.metadata().map(|m| m.len());
            part.listing.files.extend(length.map(|length| Found { path, length }));
        }
    }
    let inside: Vec<Part> = folders.par_iter().map(|folder| walk(root, folder, arrays)).collect::<Result<_, _>>()?;
    for other in inside {
        part.links.extend(other.links);
        part.listing.add(other.listing);
    }
    Ok(part)
}

/// Adds what a link leads to, which may be a file or a folder; links found there are not followed. A broken one leads nowhere.
fn follow(
    root: &Path,
    link: &Path,
    arrays: bool,
    known: &mut BTreeSet<PathBuf>,
    listing: &mut Listing,
) -> Result<(), DataError> {
    let Ok(target) = root.join(link).canonicalize() else { return Ok(()) };
    let listed = known.iter().any(|folder| target.starts_with(folder) || folder.starts_with(&target));
    if listed {
        return Ok(());
    }
    known.insert(target.clone());
    match std::fs::metadata(&target) {
        Ok(found) if found.is_dir() => {
            let part = walk(root, link, arrays).map_err(|e| unreadable(&target, &e))?;
            listing.add(part.listing);
        }
        Ok(found) if found.is_file() && listing.counts(link, arrays) => {
            listing.files.push(Found { path: link.to_owned(), length: found.len() });
        }
        _ => {}
    }
    Ok(())
}

impl Listing {
    /// Whether a file is a picture by its ending; one that cannot be read is counted.
    fn counts(&mut self, path: &Path, arrays: bool) -> bool {
        let ending = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase).unwrap_or_default();
        if UNREAD.contains(&ending.as_str()) {
            *self.unread.entry(ending.clone()).or_default() += 1;
        }
        PICTURES.contains(&ending.as_str()) || arrays && ending == ARRAY
    }

    fn add(&mut self, other: Listing) {
        self.files.extend(other.files);
        for (kind, count) in other.unread {
            *self.unread.entry(kind).or_default() += count;
        }
    }
}

/// Whether a name is hidden, or left by a program.
fn is_litter(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with('.') || LITTER.contains(&name.to_ascii_lowercase().as_str())
}

fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn unreadable(path: &Path, error: &Error) -> DataError {
    DataError::new(format!("cannot be read: {error}")).in_file(path).help("give a folder of pictures")
}
