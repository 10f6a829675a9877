//! Columns: what a data set knows of its samples besides a picture and a class.

use std::fmt;

/// A column of a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What recipes call it: `batch.NAME`.
    pub name: String,
    /// What its values are.
    pub kind: ColumnKind,
    /// The first sample without a value and how many there are, where every one must have one.
    pub gap: Option<(String, usize)>,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// A number.
    Number,
    /// So many numbers.
    Numbers(usize),
    /// The number of one of so many classes.
    Class(usize),
    /// A text as the numbers of its tokens, from 1; 0 is nothing, which stands behind the end of the text.
    Text {
        /// Numbers of a text, those behind its end included.
        length: usize,
        /// One more than the largest number.
        vocabulary: usize,
    },
    /// A picture, which views can be made of.
    Picture,
}

impl Column {
    /// A column in which every sample has a value.
    pub fn new(name: impl Into<String>, kind: ColumnKind) -> Self {
        Self { name: name.into(), kind, gap: None }
    }
}

impl ColumnKind {
    /// The sizes of a value; nothing for a single number.
    pub fn sizes(self) -> Option<usize> {
        match self {
            Self::Numbers(count) => Some(count),
            Self::Text { length, .. } => Some(length),
            Self::Number | Self::Class(_) | Self::Picture => None,
        }
    }

    /// How many numbers a value is; none for pictures.
    pub fn width(self) -> usize {
        if self == Self::Picture { 0 } else { self.sizes().unwrap_or(1) }
    }

    /// One more than the largest number, where values are whole numbers from 0.
    pub fn below(self) -> Option<usize> {
        match self {
            Self::Class(count) => Some(count),
            Self::Text { vocabulary, .. } => Some(vocabulary),
            Self::Number | Self::Numbers(_) | Self::Picture => None,
        }
    }
}

/// What it is, with the shape of a batch: `text [N, 80]`.
impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number => write!(f, "numbers [N]"),
            Self::Numbers(count) => write!(f, "numbers [N, {count}]"),
            Self::Class(count) => write!(f, "one of {count} classes [N]"),
            Self::Text { length, .. } => write!(f, "text [N, {length}]"),
            Self::Picture => write!(f, "a picture"),
        }
    }
}
