//! Made-up embeddings: views of the same sample near each other, all samples as far from one constant as is asked for.

use crate::random::Rng;

/// How far two views of a sample are apart, as a part of how far two samples are.
const VIEW_NOISE: f64 = 0.3;

/// The made-up embeddings of one stage, as far apart as they are asked for: drawn once, for that takes longest.
#[derive(Clone, Debug)]
pub(super) struct Cloud {
    /// What all samples are when they have collapsed.
    constant: Vec<f64>,
    /// By what each row differs from that at most.
    own: Vec<f64>,
}

impl Cloud {
    /// Embeddings of that shape, the samples along its first dimension. There are `samples` in a batch, numbered from `first`, so
    /// that an earlier batch holds other samples; `view` is a number that only this stage's use has. What they are near is one
    /// constant for all places of a picture, too.
    pub fn new(shape: &[usize], samples: usize, first: usize, view: u64) -> Self {
        let rows = shape.first().copied().unwrap_or(1);
        let width = shape.iter().skip(1).product::<usize>();
        let mut own = Vec::with_capacity(rows * width);
        for row in 0..rows {
            let sample = (first + row % samples) as u64;
            let of_sample = normal(&[1, width as u64, sample], width);
            let noise = normal(&[2, view, first as u64, row as u64], width);
            own.extend(of_sample.iter().zip(&noise).map(|(s, n)| s + VIEW_NOISE * n));
        }
        let features = shape.iter().skip(1).last().copied().unwrap_or(1);
        Self { constant: normal(&[0, features as u64], features), own }
    }

    /// The embeddings; 1: all samples differ, 0: all are one constant.
    pub fn apart(&self, apart: f64) -> Vec<f32> {
        let together = (1.0 - apart * apart).sqrt();
        let mut data = Vec::with_capacity(self.own.len());
        for row in self.own.chunks(self.constant.len().max(1)) {
            data.extend(self.constant.iter().zip(row).map(|(c, own)| (together * c + apart * own) as f32));
        }
        data
    }
}

/// The deviation of a sum of four numbers uniform in `0..2^16`.
const DEVIATION: f64 = 37_837.227_225;

/// Numbers of mean 0 and variance 1 that follow from the seeds: sums of four uniform ones, near enough to normal for a trial, and
/// drawn in a tenth of the time.
pub(super) fn normal(seeds: &[u64], count: usize) -> Vec<f64> {
    let mut rng = Rng::new(seeds);
    let sum = |bits: u64| (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    (0..count).map(|_| (sum(rng.next_u64()) as f64 - 2.0 * 65_535.0) / DEVIATION).collect()
}
