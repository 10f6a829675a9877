//! Rows of features with their labels, and what every measure does to rows.

/// Features and labels of some samples.
#[derive(Clone, Copy, Debug)]
pub struct Features<'a> {
    /// One row a sample, row after row: `[rows, dim]`.
    pub values: &'a [f32],
    /// The class of each row.
    pub labels: &'a [u32],
    /// The length of a row.
    pub dim: usize,
}

impl<'a> Features<'a> {
    /// Puts rows and labels together; they must be of the same number.
    pub fn new(values: &'a [f32], labels: &'a [u32], dim: usize) -> Self {
        assert_eq!(values.len(), labels.len() * dim, "as many rows of features as labels");
        Self { values, labels, dim }
    }

    /// The number of samples.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// One more than the largest label.
    pub fn classes(&self) -> usize {
        self.labels.iter().max().map_or(0, |&l| l as usize + 1)
    }
}

/// The share of predictions that are right, 0 to 1; 0 of no predictions.
pub(super) fn accuracy(predictions: &[u32], labels: &[u32]) -> f64 {
    let right = predictions.iter().zip(labels).filter(|(p, l)| p == l).count();
    right as f64 / labels.len().max(1) as f64
}

/// The position of the largest value, the first of equals.
pub(super) fn argmax(values: &[f32]) -> u32 {
    let best = values.iter().enumerate().fold((0, f32::NEG_INFINITY), |b, (i, &v)| if v > b.1 { (i, v) } else { b });
    best.0 as u32
}

/// The rows scaled to length one; a row of zeros stays.
pub(super) fn normalized(values: &[f32], dim: usize) -> Vec<f32> {
    let mut out = values.to_vec();
    for row in out.chunks_exact_mut(dim.max(1)) {
        let length = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt().max(1e-12);
        row.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    }
    out
}

/// At most `most` rows, evenly spread over all of them.
pub(super) fn sampled(values: &[f32], dim: usize, most: usize) -> Vec<f32> {
    let rows = values.len() / dim.max(1);
    if rows <= most {
        return values.to_vec();
    }
    (0..most).map(|i| i * rows / most).flat_map(|r| &values[r * dim..(r + 1) * dim]).copied().collect()
}

/// The mean and the biased variance of each column, in f64.
pub(super) fn moments(values: &[f32], dim: usize) -> (Vec<f64>, Vec<f64>) {
    let rows = (values.len() / dim.max(1)).max(1) as f64;
    let mut mean = vec![0.0; dim];
    for row in values.chunks_exact(dim.max(1)) {
        mean.iter_mut().zip(row).for_each(|(m, &x)| *m += f64::from(x) / rows);
    }
    let mut variance = vec![0.0; dim];
    for row in values.chunks_exact(dim.max(1)) {
        variance.iter_mut().zip(&mean).zip(row).for_each(|((v, m), &x)| *v += (f64::from(x) - m).powi(2) / rows);
    }
    (mean, variance)
}
