//! Linear algebra on batches of small matrices, computed in f64.
use std::fmt;

use super::elem::Elem;
use super::parallel;

/// A matrix that has no Cholesky factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPositive {
    /// Which matrix of the batch.
    pub matrix: usize,
    /// The first leading minor that is not positive, counted from 0.
    pub pivot: usize,
}

impl fmt::Display for NotPositive {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "matrix {} is not positive definite (pivot {})", self.matrix, self.pivot)
    }
}

impl std::error::Error for NotPositive {}

/// Which triangle a matrix has, and whether it is applied transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triangle {
    /// The lower triangle; otherwise the upper.
    pub lower: bool,
    /// Solve with the transposed matrix.
    pub transpose: bool,
}

/// The lower triangular L with L Lᵀ = A, for each symmetric `n` x `n` matrix (only lower triangles are read).
pub fn cholesky<T: Elem>(a: &[T], n: usize, l: &mut [T]) -> Result<(), NotPositive> {
    assert_eq!(a.len(), l.len(), "a factor has the size of its matrix");
    let matrices = a.chunks_exact((n * n).max(1)).zip(l.chunks_exact_mut((n * n).max(1)));
    for (matrix, (a, l)) in matrices.enumerate() {
        let mut f = wide(a);
        factor(&mut f, n).map_err(|pivot| NotPositive { matrix, pivot })?;
        narrow(&f, l);
    }
    Ok(())
}

/// Factors in place; the error is the pivot.
fn factor(f: &mut [f64], n: usize) -> Result<(), usize> {
    for j in 0..n {
        for i in j..n {
            let dot: f64 = (0..j).map(|k| f[i * n + k] * f[j * n + k]).sum();
            f[i * n + j] -= dot;
        }
        let pivot = f[j * n + j];
        if pivot.is_nan() || pivot <= 0.0 {
            return Err(j);
        }
        (j..n).for_each(|i| f[i * n + j] /= pivot.sqrt());
        (0..j).for_each(|i| f[i * n + j] = 0.0);
    }
    Ok(())
}

/// x with op(L) x = b, for each `n` x `n` triangular L and `n` x `cols` b of a batch.
pub fn triangular_solve<T: Elem>(l: &[T], b: &[T], n: usize, cols: usize, triangle: Triangle, x: &mut [T]) {
    assert_eq!(b.len(), x.len(), "a solution has the size of its right side");
    if x.is_empty() {
        return;
    }
    parallel::chunks(x, n * cols, |start, x| {
        let matrix = start / (n * cols);
        let l = &l[matrix * n * n..][..n * n];
        let at = |i: usize, k: usize| if triangle.transpose { l[k * n + i] } else { l[i * n + k] }.to_f64();
        let mut out = wide(&b[start..][..n * cols]);
        let forward = triangle.lower != triangle.transpose;
        for step in 0..n {
            let i = if forward { step } else { n - 1 - step };
            for k in if forward { 0..i } else { i + 1..n } {
                let factor = at(i, k);
                (0..cols).for_each(|c| out[i * cols + c] -= factor * out[k * cols + c]);
            }
            (0..cols).for_each(|c| out[i * cols + c] /= at(i, i));
        }
        narrow(&out, x);
    });
}

pub(super) fn wide<T: Elem>(x: &[T]) -> Vec<f64> {
    x.iter().map(|v| v.to_f64()).collect()
}

pub(super) fn narrow<T: Elem>(x: &[f64], out: &mut [T]) {
    out.iter_mut().zip(x).for_each(|(o, &v)| *o = T::from_f64(v));
}
