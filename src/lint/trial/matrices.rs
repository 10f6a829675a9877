//! Linear algebra of a few small matrices.

use super::tensor::Tensor;
use crate::eval::symmetric_eigenvalues;
use crate::graph::Attrs;

/// The largest side of a matrix whose factors are worth a trial, and the most products of two numbers.
const LARGEST: usize = 512;
const DEAREST: usize = 1 << 28;

/// Rows and columns of matrices, if they are not too large.
fn sides(x: &Tensor) -> Option<(usize, usize)> {
    let &[.., rows, columns] = x.shape.as_slice() else { return None };
    (rows > 0 && columns > 0 && rows.min(columns) <= LARGEST).then_some((rows, columns))
}

/// The lower factors of positive definite matrices; `None` where one is not.
pub(super) fn cholesky(x: &Tensor) -> Option<Tensor> {
    let (n, _) = sides(x).filter(|(rows, columns)| rows == columns)?;
    let mut data = vec![0.0; x.data.len()];
    for (a, l) in x.data.chunks_exact(n * n).zip(data.chunks_exact_mut(n * n)) {
        for i in 0..n {
            for j in 0..=i {
                let inner: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
                let rest = a[i * n + j] - inner;
                l[i * n + j] = if i > j { rest / l[j * n + j] } else { Some(rest).filter(|r| *r > 0.0)?.sqrt() };
            }
        }
    }
    Tensor::new(&x.shape, data)
}

/// The solutions of triangular systems.
pub(super) fn triangular_solve(l: &Tensor, b: &Tensor, attrs: &Attrs) -> Option<Tensor> {
    let ((n, _), (rows, columns)) = (sides(l).filter(|(rows, columns)| rows == columns)?, sides(b)?);
    if rows != n || l.data.len() / (n * n) != b.data.len() / (n * columns) {
        return None;
    }
    let (upper, transposed) = (attrs.get_bool("upper"), attrs.get_bool("transpose"));
    let mut data = b.data.clone();
    for (l, x) in l.data.chunks_exact(n * n).zip(data.chunks_exact_mut(n * columns)) {
        let at = |i: usize, k: usize| if transposed { l[k * n + i] } else { l[i * n + k] };
        let forward = upper == transposed;
        for step in 0..n {
            let i = if forward { step } else { n - 1 - step };
            for k in if forward { 0..i } else { i + 1..n } {
                (0..columns).for_each(|c| x[i * columns + c] -= at(i, k) * x[k * columns + c]);
            }
            (0..columns).for_each(|c| x[i * columns + c] /= at(i, i));
        }
    }
    Tensor::new(&b.shape, data)
}

/// The singular values of matrices in descending order, or their sums: the roots of the eigenvalues of the smaller product of a matrix
/// with itself.
pub(super) fn singular_values(x: &Tensor, summed: bool, shape: &[usize]) -> Option<Tensor> {
    let (rows, columns) = sides(x)?;
    let (side, long) = (rows.min(columns), rows.max(columns));
    if x.data.len().checked_mul(side)? > DEAREST {
        return None;
    }
    let mut data = Vec::new();
    for a in x.data.chunks_exact(rows * columns).filter(|a| a.iter().all(|v| v.is_finite())) {
        let at = |i: usize, k: usize| if rows <= columns { a[i * columns + k] } else { a[k * columns + i] };
        let product = |place: usize| (0..long).map(|k| at(place / side, k) * at(place % side, k)).sum();
        let mut gram: Vec<f64> = (0..side * side).map(product).collect();
        let values = symmetric_eigenvalues(&mut gram, side).into_iter().rev().map(|v| v.max(0.0).sqrt());
        if summed { data.push(values.sum()) } else { data.extend(values) }
    }
    Tensor::new(shape, data)
}
