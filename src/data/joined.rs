//! Two data sets, one behind the other.

use std::sync::Arc;

use super::augment::PixelNorm;
use super::{Column, DataError, DataSet, Frame, Image};
use crate::random::derive;

/// The samples of one data set, then those of another with the same classes.
pub fn joined(first: Arc<dyn DataSet>, second: Arc<dyn DataSet>) -> Arc<dyn DataSet> {
    Arc::new(Joined { first, second })
}

struct Joined {
    first: Arc<dyn DataSet>,
    second: Arc<dyn DataSet>,
}

impl Joined {
    /// The data set that holds a sample, and its place there.
    fn at(&self, index: usize) -> (&dyn DataSet, usize) {
        match index.checked_sub(self.first.len()) {
            None => (&*self.first, index),
            Some(rest) => (&*self.second, rest),
        }
    }
}

impl DataSet for Joined {
    fn len(&self) -> usize {
        self.first.len() + self.second.len()
    }

    fn classes(&self) -> &[String] {
        self.first.classes()
    }

    fn label(&self, index: usize) -> Option<u32> {
        let (set, at) = self.at(index);
        set.label(at)
    }

    fn image(&self, index: usize) -> Result<Image<'_>, DataError> {
        let (set, at) = self.at(index);
        set.image(at)
    }

    fn fetch(&self, index: usize) -> Result<Option<u64>, DataError> {
        let (set, at) = self.at(index);
        set.fetch(at)
    }

    fn columns(&self) -> &[Column] {
        self.first.columns()
    }

    fn cell(&self, column: usize, index: usize) -> Result<Vec<f32>, DataError> {
        let (set, at) = self.at(index);
        set.cell(column, at)
    }

    fn picture(&self, column: usize, index: usize) -> Result<Image<'_>, DataError> {
        let (set, at) = self.at(index);
        set.picture(column, at)
    }

    fn encode(&self, column: usize, text: &str) -> Result<Vec<f32>, DataError> {
        self.first.encode(column, text)
    }

    fn name(&self, index: usize) -> Option<String> {
        let (set, at) = self.at(index);
        set.name(at)
    }

    fn caption(&self, index: usize) -> Option<String> {
        let (set, at) = self.at(index);
        set.caption(at)
    }

    fn mask(&self, index: usize) -> Option<Vec<bool>> {
        let (set, at) = self.at(index);
        set.mask(at)
    }

    fn frame(&self) -> Frame {
        self.first.frame()
    }

    fn mean_std(&self) -> PixelNorm {
        self.first.mean_std()
    }

    fn fingerprint(&self) -> Option<u64> {
        Some(derive(&[self.first.fingerprint()?, self.second.fingerprint()?]))
    }

    fn column_fingerprint(&self, column: usize) -> Option<u64> {
        let both = [self.first.column_fingerprint(column)?, self.second.column_fingerprint(column)?];
        Some(derive(&both))
    }

    fn hint(&self, index: usize) -> Option<u64> {
        let (set, at) = self.at(index);
        set.hint(at)
    }

    fn content(&self, index: usize) -> Option<u64> {
        let (set, at) = self.at(index);
        set.content(at)
    }

    fn spoilt(&self) -> Vec<DataError> {
        let mut all = self.first.spoilt();
        all.extend(self.second.spoilt());
        all
    }

    fn notes(&self) -> Vec<String> {
        self.first.notes()
    }

    fn describe(&self) -> String {
        format!("{}; {}", self.first.describe(), self.second.describe())
    }
}
