//! Source files, spans into them, and the translation of offsets to lines and columns.

mod library;
mod reading;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

pub use library::LIBRARY;
pub use reading::{LONGEST_RECIPE, LONGEST_RECORD, open_file, read_file, read_named, read_stream, read_text};

/// Names a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum FileId {
    /// One that has been added to a [`Sources`], by its place there.
    Added(u32),
    /// A file of the standard library, by its place in [`LIBRARY`]: every [`Sources`] holds it.
    Library(u32),
}

impl FileId {
    /// The name of a text that stands alone: one that is laid out, printed or compared, and of which nothing is told.
    pub const ALONE: FileId = FileId::Added(0);
}

/// Where a text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file, or a recipe inside the program that has a path like one.
    File(PathBuf),
    /// Standard input, or whatever else has no path.
    Input,
    /// The standard library, which is part of the program.
    Library,
    /// What replaces a value of a recipe: `--set PATH=VALUE`.
    Override,
    /// The value of another option of the command line.
    Option,
}

/// A range of bytes in one source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Span {
    /// The file the bytes belong to.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The place of what stands in no text: a tree that is only printed.
    pub const ALONE: Span = Span { file: FileId::ALONE, start: 0, end: 0 };

    /// The span of `range` in `file`.
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        Self { file, start: range.start as u32, end: range.end as u32 }
    }

    /// The smallest span that covers both; spans of different files keep the first.
    pub fn to(self, other: Span) -> Span {
        if self.file != other.file {
            return self;
        }
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The byte range inside the file.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One text: its name as the user wrote it, where it comes from, and what it says.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name shown in diagnostics.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The whole text.
    pub text: String,
    line_starts: Vec<u32>,
}

impl Source {
    /// A text of that name and origin.
    pub fn new(name: impl Into<String>, origin: Origin, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i as u32 + 1)).collect();
        Self { name: name.into(), origin, text, line_starts }
    }

    /// The path of the file it was read from, if it was.
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File(path) => Some(path),
            Origin::Input | Origin::Library | Origin::Override | Origin::Option => None,
        }
    }

    /// How many lines there are; what stands behind the last line end is one, even if it is empty.
    pub fn lines(&self) -> usize {
        self.line_starts.len()
    }

    /// The bytes of a line, counted from 0, without its end.
    pub fn line(&self, line: usize) -> Range<usize> {
        let start = self.line_starts.get(line).map_or(self.text.len(), |&s| s as usize);
        let end = self.line_starts.get(line + 1).map_or(self.text.len(), |&next| next as usize - 1);
        start..self.text.get(start..end).map_or(end, |t| start + t.trim_end_matches('\r').len())
    }

    /// Line and column of a byte offset, both from 1; the column counts characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|&s| s as usize <= offset);
        let start = self.line_starts[line - 1] as usize;
        let column = self.text.get(start..offset).map_or(1, |t| t.chars().count() + 1);
        (line, column)
    }
}

/// All files a run has read.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
    held: BTreeMap<PathBuf, String>,
}

impl Sources {
    /// Adds a file and names it.
    pub fn add(&mut self, source: Source) -> FileId {
        self.files.push(source);
        FileId::Added(self.files.len() as u32 - 1)
    }

    /// Lets a text stand for the file of a path, which need not be there.
    pub fn hold(&mut self, path: PathBuf, text: String) {
        self.held.insert(path, text);
    }

    /// Whether a text stands for the file of a path.
    pub fn holds(&self, path: &Path) -> bool {
        self.held.contains_key(path)
    }

    /// Reads a regular file from disk and adds it.
    pub fn read(&mut self, path: &Path) -> std::io::Result<FileId> {
        self.read_by(path, read_text)
    }

    /// Reads a file that a user names on the command line, which may be a pipe, and adds it.
    pub fn read_named(&mut self, path: &Path) -> std::io::Result<FileId> {
        self.read_by(path, read_named)
    }

    fn read_by(&mut self, path: &Path, read: fn(&Path, u64) -> std::io::Result<String>) -> std::io::Result<FileId> {
        let text = self.held.get(path).map_or_else(|| read(path, LONGEST_RECIPE), |text| Ok(text.clone()))?;
        Ok(self.add(Source::new(path.display().to_string(), Origin::File(path.to_owned()), text)))
    }

    /// The file of that id.
    pub fn get(&self, id: FileId) -> &Source {
        match id {
            FileId::Added(place) => &self.files[place as usize],
            FileId::Library(place) => library::text(place as usize),
        }
    }

    /// All files in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        self.files.iter().enumerate().map(|(i, s)| (FileId::Added(i as u32), s))
    }

    /// The text a span covers.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file).text.get(span.range()).unwrap_or("")
    }

    /// `name:line:column` of the start of a span.
    pub fn locate(&self, span: Span) -> String {
        let source = self.get(span.file);
        let (line, column) = source.line_column(span.start as usize);
        format!("{}:{line}:{column}", source.name)
    }
}
