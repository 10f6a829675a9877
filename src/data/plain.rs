//! Images as they are, normalised and in order: what an encoder is judged on.

use std::sync::Arc;

use rayon::prelude::*;

use super::augment::{Scratch, Window, resample_image};
use super::views::normalise;
use super::{Batch, CHANNELS, DataError, DataSet, Pixels};

/// All samples of a data set in order, `batch` at a time (the last batch may be smaller), each resized to `size` where
/// it is not of that size, normalised by the data set's mean and standard deviation.
pub fn plain_batches(dataset: Arc<dyn DataSet>, size: (usize, usize), batch: usize) -> PlainBatches {
    PlainBatches { dataset, size, batch: batch.max(1), next: 0 }
}

/// See [`plain_batches`]; each batch has one view.
pub struct PlainBatches {
    dataset: Arc<dyn DataSet>,
    size: (usize, usize),
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
        let length = self.size.0 * self.size.1 * CHANNELS;
        let mut view = vec![0.0; length * index.len()];
        let memory = <(Pixels, Scratch)>::default;
        view.par_chunks_mut(length).zip(&index).try_for_each_init(memory, |(pixels, scratch), (out, &i)| {
            let image = self.dataset.image(i).map_err(|e| e.at_row(i))?;
            let from = (image.height, image.width);
            if from == self.size {
                pixels.load(&image);
            } else {
                resample_image(&image, Window::whole(from), self.size, pixels, scratch);
            }
            normalise(&*self.dataset, &pixels.data, out);
            Ok(())
        })?;
        let labels = index.iter().map(|&i| self.dataset.label(i).unwrap_or(0)).collect();
        Ok(Batch { views: vec![view], masks: Vec::new(), labels, index })
    }
}
