//! Images as they are, prepared and in order: what an encoder is judged on.

use std::sync::Arc;

use rayon::prelude::*;

use super::augment::Scratch;
use super::{Batch, DataError, DataSet, Pixels, Preprocess};

/// All samples of a data set in order, `batch` at a time (the last batch may be smaller), each prepared alike.
pub fn plain_batches(dataset: Arc<dyn DataSet>, preprocess: Arc<Preprocess>, batch: usize) -> PlainBatches {
    PlainBatches { dataset, preprocess, batch: batch.max(1), next: 0 }
}

/// See [`plain_batches`]; each batch has one view.
pub struct PlainBatches {
    dataset: Arc<dyn DataSet>,
    preprocess: Arc<Preprocess>,
    batch: usize,
    next: usize,
}

impl Iterator for PlainBatches {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let index: Vec<usize> = (self.next..(self.next + self.batch).min(self.dataset.len())).collect();
        if index.is_empty() {
            return None;
        }
        self.next += index.len();
        Some(self.make(index))
    }
}

impl PlainBatches {
    fn make(&self, index: Vec<usize>) -> Result<Batch, DataError> {
        let length = self.preprocess.length();
        let mut view = vec![0.0; length * index.len()];
        let memory = <(Pixels, Scratch)>::default;
        view.par_chunks_mut(length).zip(&index).try_for_each_init(memory, |memory, (out, &i)| {
            let image = self.dataset.image(i)?;
            self.preprocess.prepare(&image, memory, out).map_err(|e| e.at_row(i))
        })?;
        let labels = index.iter().map(|&i| self.dataset.label(i)).collect();
        Ok(Batch { views: vec![view], masks: Vec::new(), labels, index })
    }
}
