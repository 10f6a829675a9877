//! Made-up embeddings: views of the same sample near each other, all samples as far from one constant as is asked for.

use super::tensor::Tensor;
use crate::random::Rng;

/// How far two views of a sample are apart, as a part of how far two samples are.
const VIEW_NOISE: f64 = 0.3;

/// What the made-up embeddings of one stage look like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cloud {
    /// 1: all samples differ; 0: all are one constant.
    pub apart: f64,
    /// The number of the first sample, so that an earlier batch holds other samples.
    pub first: usize,
    /// Samples in a batch.
    pub samples: usize,
    /// A number that only this stage's use has.
    pub view: u64,
}

impl Cloud {
    /// Embeddings of that shape, the samples along its first dimension. What they are near is one constant for all places of
    /// a picture, too.
    pub fn embeddings(&self, shape: &[usize]) -> Tensor {
        let rows = shape.first().copied().unwrap_or(1);
        let width = shape.iter().skip(1).product::<usize>();
        let features = shape.iter().skip(1).last().copied().unwrap_or(1);
        let constant = normal(&[0, features as u64], features);
        let together = (1.0 - self.apart * self.apart).sqrt();
        let mut data = Vec::with_capacity(rows * width);
        for row in 0..rows {
            let sample = (self.first + row % self.samples) as u64;
            let own = normal(&[1, width as u64, sample], width);
            let noise = normal(&[2, self.view, self.first as u64, row as u64], width);
            let values = constant.iter().cycle().zip(&own).zip(&noise);
            data.extend(values.map(|((c, s), n)| together * c + self.apart * (s + VIEW_NOISE * n)));
        }
        Tensor { shape: shape.to_vec(), data }
    }
}

/// Standard normal numbers that follow from the seeds.
pub(super) fn normal(seeds: &[u64], count: usize) -> Vec<f64> {
    let mut rng = Rng::new(seeds);
    (0..count).map(|_| rng.normal()).collect()
}
