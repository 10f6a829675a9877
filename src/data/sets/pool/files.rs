//! Which files a set is made of, and which of them each part.

use std::path::{Path, PathBuf};

use crate::data::DataError;

/// How the files of the part that is trained on begin, and those of the part that is judged on, in any case of letters.
pub const TRAIN: &[&str] = &["train"];
/// See [`TRAIN`].
pub const TESTING: &[&str] = &["test", "validation", "valid", "val"];

/// The files of each part; of all, where nothing divides them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// Those that are trained on, and those that are judged on.
    Divided(Vec<PathBuf>, Vec<PathBuf>),
    /// Of both.
    Whole(Vec<PathBuf>),
}

impl Files {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &PathBuf> {
        let (first, second) = match self {
            Self::Divided(train, test) => (train.as_slice(), test.as_slice()),
            Self::Whole(files) => (files.as_slice(), &[][..]),
        };
        first.iter().chain(second)
    }
}

/// The files with an ending at a path: it alone, if it is a file or has `*` in its name, or else those in that folder or in `data` below
/// it, divided by their names where these tell both parts.
pub fn files(path: &Path, ending: &str) -> Result<Files, DataError> {
    if path.is_file() {
        return Ok(Files::Whole(vec![path.to_owned()]));
    }
    let nothing = |folder: &Path| {
        let help = format!("*.{ending} is looked for, here and in data/");
        DataError::new(format!("holds no files *.{ending}")).in_file(folder).help(help)
    };
    if let Some(pattern) = path.file_name().and_then(|n| n.to_str()).filter(|n| n.contains('*')) {
        let mut all = list(path.parent().unwrap_or(Path::new(".")), "")?;
        all.retain(|file| file.file_name().and_then(|n| n.to_str()).is_some_and(|name| fits(pattern, name)));
        return if all.is_empty() { Err(nothing(path)) } else { Ok(Files::Whole(all)) };
    }
    let mut all = list(path, ending)?;
    if all.is_empty() {
        all = list(&path.join("data"), ending).unwrap_or_default();
    }
    let part = |names: &[&str]| -> Vec<PathBuf> {
        let called = |file: &&PathBuf| {
            let name = file.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
            names.iter().any(|n| name.starts_with(n))
        };
        all.iter().filter(called).cloned().collect()
    };
    let test = TESTING.iter().map(|name| part(&[name])).find(|files| !files.is_empty()).unwrap_or_default();
    match part(TRAIN) {
        _ if all.is_empty() => Err(nothing(path)),
        train if train.is_empty() => Ok(Files::Whole(all)),
        train if test.is_empty() => Ok(Files::Whole(train)),
        train => Ok(Files::Divided(train, test)),
    }
}

/// Whether there are files with an ending at a path.
pub fn holds(path: &Path, ending: &str) -> bool {
    let some = |folder: &Path| list(folder, ending).is_ok_and(|files| !files.is_empty());
    has_ending(path, ending) && path.is_file() || some(path) || some(&path.join("data"))
}

/// The files in a folder with an ending, or all, sorted.
fn list(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, DataError> {
    let failed = |e: std::io::Error| DataError::new(format!("cannot be read: {e}")).in_file(folder);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        files.extend(Some(path).filter(|path| ending.is_empty() || has_ending(path, ending)));
    }
    files.sort();
    Ok(files)
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|other| other.eq_ignore_ascii_case(ending))
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(before) else { return false };
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| fits(after, &rest[at..]))
}
