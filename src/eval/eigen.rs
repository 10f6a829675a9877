//! Eigenvalues of symmetric matrices.

/// The eigenvalues of a symmetric `[n, n]` matrix, smallest first; `matrix` is used up as workspace.
///
/// Householder reduction to a tridiagonal matrix, then implicit QL (EISPACK's `tred1` and `tql1`).
pub fn symmetric_eigenvalues(matrix: &mut [f64], n: usize) -> Vec<f64> {
    assert_eq!(matrix.len(), n * n, "a square matrix");
    let (mut diagonal, mut beside) = tridiagonal(matrix, n);
    implicit_ql(&mut diagonal, &mut beside);
    diagonal.sort_by(f64::total_cmp);
    diagonal
}

/// The diagonal of an equivalent tridiagonal matrix and what stands beside it, `beside[i]` between `i` and `i + 1`.
fn tridiagonal(a: &mut [f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut beside = vec![0.0; n];
    for k in 0..n.saturating_sub(1) {
        // The reflection that turns the rest of row k into (alpha, 0, 0, ...).
        let mut u = a[k * n + k + 1..(k + 1) * n].to_vec();
        let length = dot(&u, &u).sqrt();
        let alpha = if u[0] > 0.0 { -length } else { length };
        beside[k] = alpha;
        u[0] -= alpha;
        let half = dot(&u, &u) / 2.0;
        if half > 0.0 {
            reflect(&mut a[(k + 1) * n..], n, k + 1, &u, half);
        }
    }
    ((0..n).map(|i| a[i * n + i]).collect(), beside)
}

/// Applies the reflection `1 - u u^T / half` from both sides to the columns from `from` on of `rows` of length `n`.
fn reflect(rows: &mut [f64], n: usize, from: usize, u: &[f64], half: f64) {
    let mut q: Vec<f64> = rows.chunks_exact(n).map(|row| dot(&row[from..], u) / half).collect();
    let k = dot(u, &q) / (2.0 * half);
    q.iter_mut().zip(u).for_each(|(q, u)| *q -= k * u);
    for (i, row) in rows.chunks_exact_mut(n).enumerate() {
        for ((x, u_j), q_j) in row[from..].iter_mut().zip(u).zip(&q) {
            *x -= u[i] * q_j + q[i] * u_j;
        }
    }
}

fn implicit_ql(d: &mut [f64], e: &mut [f64]) {
    for l in 0..d.len() {
        // Three or four rounds do; the bound is for what is not a number.
        for _ in 0..60 {
            let small = |m: usize| e[m].abs() <= f64::EPSILON * (d[m].abs() + d[m + 1].abs());
            let m = (l..d.len() - 1).find(|&m| small(m)).unwrap_or(d.len() - 1);
            if m == l {
                break;
            }
            ql_step(d, e, l, m);
        }
    }
}

/// One implicit QL step, shifted towards `d[l]`, on the unreduced block from `l` to `m`.
fn ql_step(d: &mut [f64], e: &mut [f64], l: usize, m: usize) {
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
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0.0;
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    let mut lanes = [0.0; 4];
    for (a, b) in a.zip(b) {
        lanes.iter_mut().zip(a.iter().zip(b)).for_each(|(l, (a, b))| *l += a * b);
    }
    lanes.iter().sum::<f64>() + rest
}
