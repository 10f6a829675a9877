//! Some samples of a data set, as a data set.

use std::sync::Arc;

use super::augment::PixelNorm;
use super::{Column, DataError, DataSet, Frame, Image};
use crate::random::{Rng, derive};

/// At most `most` samples of a data set, drawn once and for all; the set itself where it has no more.
pub fn subset(data: &Arc<dyn DataSet>, most: usize) -> Arc<dyn DataSet> {
    if data.len() <= most {
        return data.clone();
    }
    let mut chosen = Rng::new(&[data.len() as u64]).permutation(data.len());
    chosen.truncate(most);
    chosen.sort_unstable();
    Arc::new(Subset { data: data.clone(), chosen })
}

/// The samples of a data set that have a label; the set itself where all have one.
pub fn labelled(data: &Arc<dyn DataSet>) -> Arc<dyn DataSet> {
    let chosen: Vec<usize> = (0..data.len()).filter(|&i| data.label(i).is_some()).collect();
    if chosen.len() == data.len() { data.clone() } else { Arc::new(Subset { data: data.clone(), chosen }) }
}

/// The samples of a data set by which classes are judged: those that have one, or all where none has.
pub fn telling(data: &Arc<dyn DataSet>) -> Arc<dyn DataSet> {
    let some = labelled(data);
    if some.is_empty() { data.clone() } else { some }
}

/// The samples of a data set at these places, in ascending order.
pub fn chosen(data: &Arc<dyn DataSet>, chosen: Vec<usize>) -> Arc<dyn DataSet> {
    Arc::new(Subset { data: data.clone(), chosen })
}

/// Some samples of a data set.
struct Subset {
    data: Arc<dyn DataSet>,
    chosen: Vec<usize>,
}

impl Subset {
    /// The place of a sample in the whole set.
    fn place(&self, index: usize) -> Result<usize, DataError> {
        self.chosen.get(index).copied().ok_or_else(|| DataError::new("no such sample").at_row(index))
    }
}

impl DataSet for Subset {
    fn len(&self) -> usize {
        self.chosen.len()
    }

    fn classes(&self) -> &[String] {
        self.data.classes()
    }

    fn label(&self, index: usize) -> Option<u32> {
        self.chosen.get(index).and_then(|&i| self.data.label(i))
    }

    fn image(&self, index: usize) -> Result<Image<'_>, DataError> {
        self.data.image(self.place(index)?)
    }

    fn columns(&self) -> &[Column] {
        self.data.columns()
    }

    fn cell(&self, column: usize, index: usize) -> Result<Vec<f32>, DataError> {
        self.data.cell(column, self.place(index)?)
    }

    fn picture(&self, column: usize, index: usize) -> Result<Image<'_>, DataError> {
        self.data.picture(column, self.place(index)?)
    }

    fn encode(&self, column: usize, text: &str) -> Result<Vec<f32>, DataError> {
        self.data.encode(column, text)
    }

    fn fetch(&self, index: usize) -> Result<Option<u64>, DataError> {
        self.chosen.get(index).map_or(Ok(None), |&i| self.data.fetch(i))
    }

    fn caption(&self, index: usize) -> Option<String> {
        self.chosen.get(index).and_then(|&i| self.data.caption(i))
    }

    fn mask(&self, index: usize) -> Option<Vec<bool>> {
        self.chosen.get(index).and_then(|&i| self.data.mask(i))
    }

    fn frame(&self) -> Frame {
        self.data.frame()
    }

    fn name(&self, index: usize) -> Option<String> {
        self.chosen.get(index).and_then(|&i| self.data.name(i))
    }

    fn mean_std(&self) -> PixelNorm {
        self.data.mean_std()
    }

    fn fingerprint(&self) -> Option<u64> {
        let whole = self.data.fingerprint()?;
        Some(derive(&std::iter::once(whole).chain(self.chosen.iter().map(|&i| i as u64)).collect::<Vec<_>>()))
    }

    fn column_fingerprint(&self, column: usize) -> Option<u64> {
        self.data.column_fingerprint(column)
    }

    fn hint(&self, index: usize) -> Option<u64> {
        self.chosen.get(index).and_then(|&i| self.data.hint(i))
    }

    fn content(&self, index: usize) -> Option<u64> {
        self.chosen.get(index).and_then(|&i| self.data.content(i))
    }

    fn spoilt(&self) -> Vec<DataError> {
        self.data.spoilt()
    }

    fn notes(&self) -> Vec<String> {
        self.data.notes()
    }

    fn describe(&self) -> String {
        format!("{} of {}", self.len(), self.data.describe())
    }
}
