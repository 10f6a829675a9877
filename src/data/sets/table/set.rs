//! A part of a table as a data set: pictures, and columns beside them.

use std::sync::Arc;

use super::columns::Columns;
use crate::data::augment::PixelNorm;
use crate::data::{Column, DataError, DataSet, Frame, Image};

/// Some rows of a table.
pub struct Part {
    /// The first picture of each row, with classes and names.
    pub first: Box<dyn DataSet>,
    /// Whether rows have pictures at all.
    pub pictured: bool,
    /// The rows.
    pub rows: Vec<usize>,
    /// The columns of all rows.
    pub columns: Arc<Columns>,
    /// The pictures of columns that have some, for these rows.
    pub pictures: Vec<Option<Box<dyn DataSet>>>,
}

impl DataSet for Part {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn classes(&self) -> &[String] {
        self.first.classes()
    }

    fn label(&self, index: usize) -> Option<u32> {
        self.first.label(index)
    }

    fn image(&self, index: usize) -> Result<Image<'_>, DataError> {
        match self.pictured {
            true => self.first.image(index),
            false => Err(DataError::new("the table has no pictures, as `image: \"\"` says")),
        }
    }

    fn name(&self, index: usize) -> Option<String> {
        self.first.name(index)
    }

    fn columns(&self) -> &[Column] {
        &self.columns.about
    }

    fn cell(&self, column: usize, index: usize) -> Result<Vec<f32>, DataError> {
        let row = self.rows.get(index).ok_or_else(|| DataError::new("no such row").at_row(index))?;
        self.columns.cell(column, *row)
    }

    fn picture(&self, column: usize, index: usize) -> Result<Image<'_>, DataError> {
        let found = self.pictures.get(column).and_then(Option::as_ref);
        found.ok_or_else(|| DataError::new("there is no such column of pictures"))?.image(index)
    }

    fn encode(&self, _: usize, text: &str) -> Result<Vec<f32>, DataError> {
        self.columns.tokens.encode(text)
    }

    fn column_fingerprint(&self, column: usize) -> Option<u64> {
        self.columns.fingerprint(column, &self.rows)
    }

    fn frame(&self) -> Frame {
        self.first.frame()
    }

    fn mean_std(&self) -> PixelNorm {
        self.first.mean_std()
    }

    fn fingerprint(&self) -> Option<u64> {
        self.first.fingerprint()
    }

    fn hint(&self, index: usize) -> Option<u64> {
        if self.pictured { self.first.hint(index) } else { None }
    }

    fn content(&self, index: usize) -> Option<u64> {
        if self.pictured { self.first.content(index) } else { None }
    }

    fn spoilt(&self) -> Vec<DataError> {
        let others = self.pictures.iter().flatten().flat_map(|pictures| pictures.spoilt());
        self.first.spoilt().into_iter().chain(others).collect()
    }

    fn notes(&self) -> Vec<String> {
        self.first.notes()
    }

    fn describe(&self) -> String {
        self.first.describe()
    }
}
