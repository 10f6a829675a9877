//! Images as they are, prepared and in order: what an encoder is judged on.

use std::sync::Arc;

use rayon::prelude::*;

use super::augment::Scratch;
use super::{Batch, DataError, DataSet, Pixels, Preprocess};

/// All samples of a data set in order, `batch` at a time, each prepared alike. A batch is smaller where samples end, and where some cannot
/// be used.
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
        loop {
            let places: Vec<usize> = (self.next..(self.next + self.batch).min(self.dataset.len())).collect();
            if places.is_empty() {
                return None;
            }
            self.next += places.len();
            match self.make(places) {
                // Nothing of it could be used.
                Ok(batch) if batch.index.is_empty() => {}
                made => return Some(made),
            }
        }
    }
}

impl PlainBatches {
    fn make(&self, mut index: Vec<usize>) -> Result<Batch, DataError> {
        let length = self.preprocess.length();
        let mut view = vec![0.0; length * index.len()];
        let memory = <(Pixels, Scratch)>::default;
        let prepare = |memory: &mut _, (out, &i): (&mut [f32], &usize)| match self.dataset.image(i) {
            Ok(image) => {
                self.preprocess.prepare(&image, memory, out);
                Ok(true)
            }
            Err(error) if error.spoilt => Ok(false),
            Err(error) => Err(error.of_row(i)),
        };
        let parts = view.par_chunks_mut(length).zip(&index);
        let usable = parts.map_init(memory, prepare).collect::<Result<Vec<bool>, _>>()?;
        if usable.contains(&false) {
            let kept = view.chunks(length).zip(&usable).filter(|(_, usable)| **usable);
            view = kept.flat_map(|(picture, _)| picture).copied().collect();
            let mut each = usable.iter();
            index.retain(|_| each.next() == Some(&true));
        }
        let labels = index.iter().map(|&i| self.dataset.label(i)).collect();
        Ok(Batch { views: vec![view], masks: Vec::new(), labels, index, ..Batch::default() })
    }
}
