//! What can go wrong with data, as a value that names the file, the row, the reason and the way out.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// A problem with a data set, a file of it, or an augmentation's arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct DataError {
    /// The file at fault.
    pub file: Option<PathBuf>,
    /// The row (sample) at fault, from 0.
    pub row: Option<usize>,
    /// The call in the recipe at fault.
    pub span: Option<Span>,
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether it is one picture that cannot be used, and the others can.
    pub spoilt: bool,
}

impl DataError {
    /// A problem with no place yet.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { file: None, row: None, span: None, reason: reason.into(), help: None, spoilt: false }
    }

    /// The same problem in this file.
    pub fn in_file(mut self, file: &Path) -> Self {
        self.file = Some(file.to_owned());
        self
    }

    /// The same problem at this row.
    pub fn at_row(mut self, row: usize) -> Self {
        self.row = Some(row);
        self
    }

    /// The same problem of this row, where no file is named that is of it alone.
    pub fn of_row(self, row: usize) -> Self {
        if self.file.is_some() { self } else { self.at_row(row) }
    }

    /// The same problem caused by this call of the recipe.
    pub fn at(mut self, span: impl Into<Option<Span>>) -> Self {
        self.span = span.into();
        self
    }

    /// The same problem of one picture alone.
    pub fn of_one(mut self) -> Self {
        self.spoilt = true;
        self
    }

    /// The problem as it is told.
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error(Code::BAD_DATA, self.span, self.message()).maybe_help(self.help.clone())
    }

    /// File, row and what is wrong.
    fn message(&self) -> String {
        let reason = &self.reason;
        match (&self.file, self.row) {
            (Some(file), Some(row)) => format!("{}, row {row}: {reason}", file.display()),
            (Some(file), None) => format!("{}: {reason}", file.display()),
            (None, Some(row)) => format!("row {row}: {reason}"),
            (None, None) => reason.clone(),
        }
    }

    /// The same problem with advice.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

impl std::error::Error for DataError {}
