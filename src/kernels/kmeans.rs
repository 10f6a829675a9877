//! Spherical k-means: centres of unit length, rows belong to the centre of the largest inner product.
use super::elem::Elem;
use super::gemm::{Gemm, gemm};
use crate::random::Rng;

/// Which rows the centres start from: `k` different ones of `rows`, drawn by the seed.
pub fn kmeans_start(seed: u64, rows: usize, k: usize) -> Vec<usize> {
    let mut chosen = Rng::new(&[seed]).permutation(rows);
    chosen.truncate(k);
    chosen
}

/// Moves centres, rows of `dim`, to the normalised sums of the rows of `x` that are nearest to them, so many times. A centre
/// that has no rows stays.
pub fn kmeans<T: Elem>(x: &[T], dim: usize, iterations: usize, centres: &mut [T]) {
    if dim == 0 || centres.is_empty() {
        return;
    }
    let k = centres.len() / dim;
    let mut scores = vec![T::ZERO; ROWS * k];
    for _ in 0..iterations {
        let (mut sums, mut counts) = (vec![0.0; centres.len()], vec![0usize; k]);
        for some in x.chunks(ROWS * dim) {
            let rows = some.len() / dim;
            gemm(&Gemm::new(1, rows, k, dim).transpose_b(), some, centres, &mut scores[..rows * k]);
            for (row, scores) in some.chunks_exact(dim).zip(scores.chunks_exact(k)) {
                let nearest = largest(scores);
                counts[nearest] += 1;
                sums[nearest * dim..][..dim].iter_mut().zip(row).for_each(|(sum, x)| *sum += x.to_f64());
            }
        }
        for ((centre, sum), _) in
            centres.chunks_exact_mut(dim).zip(sums.chunks_exact(dim)).zip(&counts).filter(|c| *c.1 > 0)
        {
            let length = sum.iter().map(|s| s * s).sum::<f64>().sqrt().max(1e-12);
            centre.iter_mut().zip(sum).for_each(|(c, s)| *c = T::from_f64(s / length));
        }
    }
}

/// How many rows are compared with the centres at a time.
const ROWS: usize = 4096;

/// The place of the largest number, the first of equals.
fn largest<T: Elem>(x: &[T]) -> usize {
    (1..x.len()).fold(0, |best, i| if x[i] > x[best] { i } else { best })
}
