//! Eigenvalues and eigenvectors of symmetric matrices.

mod rotations;
mod tridiagonal;

use rotations::Rotations;
use tridiagonal::{Tridiagonal, reduce};

/// The eigenvalues of a symmetric `[n, n]` matrix, smallest first; `matrix` is used up as workspace.
///
/// Householder reduction to a tridiagonal matrix, then implicit QL (LAPACK's `dsytrd`, EISPACK's `tql1`).
pub fn symmetric_eigenvalues(matrix: &mut [f64], n: usize) -> Vec<f64> {
    assert_eq!(matrix.len(), n * n, "a square matrix");
    let (mut reduced, _) = reduce(matrix, n);
    implicit_ql(&mut reduced, |_, _, _| ());
    reduced.diagonal.sort_by(f64::total_cmp);
    reduced.diagonal
}

/// Eigenvalues, largest first, and their eigenvectors of length one.
#[derive(Clone, Debug, PartialEq)]
pub struct Eigen {
    /// The eigenvalues.
    pub values: Vec<f64>,
    /// The eigenvectors as rows, `[values, n]`.
    pub vectors: Vec<f64>,
}

/// Those eigenvalues of a symmetric `[n, n]` matrix that are positive and at least `share` times the largest, with their
/// eigenvectors; `matrix` is used up as workspace. None where something is not a number.
///
/// As [`symmetric_eigenvalues`]; what was turned is then turned back, but only for the vectors that are asked for.
pub fn symmetric_eigen(matrix: &mut [f64], n: usize, share: f64) -> Eigen {
    assert_eq!(matrix.len(), n * n, "a square matrix");
    let (mut reduced, reflections) = reduce(matrix, n);
    let mut rotations = Rotations::default();
    implicit_ql(&mut reduced, |row, cos, sin| rotations.push(row, cos, sin));
    let values = reduced.diagonal;
    let largest = values.iter().copied().fold(0.0, f64::max);
    let mut kept: Vec<usize> = (0..n).filter(|&i| values[i] > 0.0 && values[i] >= share * largest).collect();
    kept.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let mut vectors = rotations.undo(n, &kept);
    reflections.undo(&mut vectors);
    Eigen { values: kept.iter().map(|&i| values[i]).collect(), vectors }
}

/// Brings a tridiagonal matrix to diagonal form; `rotation` is told row, cosine and sine of each rotation of two rows.
fn implicit_ql(matrix: &mut Tridiagonal, mut rotation: impl FnMut(usize, f64, f64)) {
    let (d, e) = (&mut matrix.diagonal, &mut matrix.beside);
    for l in 0..d.len() {
        // Three or four rounds do; the bound is for what is not a number.
        for _ in 0..60 {
            let small = |m: usize| e[m].abs() <= f64::EPSILON * (d[m].abs() + d[m + 1].abs());
            let m = (l..d.len() - 1).find(|&m| small(m)).unwrap_or(d.len() - 1);
            if m == l {
                break;
            }
            ql_step(d, e, l, m, &mut rotation);
        }
    }
}

/// One implicit QL step, shifted towards `d[l]`, on the unreduced block from `l` to `m`.
fn ql_step(d: &mut [f64], e: &mut [f64], l: usize, m: usize, rotation: &mut impl FnMut(usize, f64, f64)) {
    let g = (d[l + 1] - d[l]) / (2.0 * e[l]);
    let mut g = d[m] - d[l] + e[l] / (g + g.hypot(1.0).copysign(g));
    let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
    for i in (l..m).rev() {
        let (f, b) = (s * e[i], c * e[i]);
        let r = f.hypot(g);
        e[i + 1] = r;
        if r == 0.0 {
            d[i + 1] -= p;
            e[m] = 0.0;
            return;
        }
        (s, c) = (f / r, g / r);
        g = d[i + 1] - p;
        let r = (d[i] - g) * s + 2.0 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        rotation(i, c, s);
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0.0;
}
