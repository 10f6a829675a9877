//! Singular values by one-sided Jacobi rotations (Hestenes 1958; Demmel & Veselić 1992), computed in f64.
use super::elem::Elem;
use super::linalg::wide;

/// A = U diag(s) Vᵀ of an `m` x `n` matrix: with k = min(m, n), U is `m` x k, s has k values from the largest, V is `n` x k.
pub fn svd<T: Elem>(a: &[T], m: usize, n: usize, u: &mut [T], s: &mut [T], v: &mut [T]) {
    let k = m.min(n);
    let sizes = (a.len(), u.len(), s.len(), v.len());
    assert_eq!(sizes, (m * n, m * k, k, n * k), "the sizes are those of an {m} x {n} matrix");
    let a = wide(a);
    if m >= n {
        let columns = (0..n).map(|j| (0..m).map(|i| a[i * n + j]).collect()).collect();
        decompose(columns, u, s, v);
    } else {
        let columns = (0..m).map(|i| a[i * n..][..n].to_vec()).collect();
        decompose(columns, v, s, u);
    }
}

/// Decomposes a tall matrix given by its columns.
fn decompose<T: Elem>(mut columns: Vec<Vec<f64>>, u: &mut [T], s: &mut [T], v: &mut [T]) {
    let k = columns.len();
    let mut right: Vec<Vec<f64>> = (0..k).map(|i| (0..k).map(|j| f64::from(i == j)).collect()).collect();
    const SWEEPS: usize = 60;
    for _ in 0..SWEEPS {
        if !sweep(&mut columns, &mut right) {
            break;
        }
    }
    let norms: Vec<f64> = columns.iter().map(|c| dot(c, c).sqrt()).collect();
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|&a, &b| norms[b].total_cmp(&norms[a]));
    let mut left: Vec<Vec<f64>> = Vec::with_capacity(k);
    let negligible = order.first().map_or(0.0, |&i| norms[i]) * 1e-15;
    for (place, &from) in order.iter().enumerate() {
        s[place] = T::from_f64(norms[from]);
        let scaled = |c: &Vec<f64>| c.iter().map(|v| v / norms[from]).collect();
        let unit = if norms[from] > negligible { scaled(&columns[from]) } else { another(&left, columns[from].len()) };
        unit.iter().enumerate().for_each(|(i, &value)| u[i * k + place] = T::from_f64(value));
        right[from].iter().enumerate().for_each(|(i, &value)| v[i * k + place] = T::from_f64(value));
        left.push(unit);
    }
}

/// Rotates every pair of columns until they are orthogonal; whether any had to be.
fn sweep(columns: &mut [Vec<f64>], right: &mut [Vec<f64>]) -> bool {
    let mut rotated = false;
    for p in 0..columns.len() {
        for q in p + 1..columns.len() {
            let (a, b) = (dot(&columns[p], &columns[p]), dot(&columns[q], &columns[q]));
            let c = dot(&columns[p], &columns[q]);
            if c.is_nan() || c.abs() <= 1e-15 * (a * b).sqrt() {
                continue;
            }
            rotated = true;
            let zeta = (b - a) / (2.0 * c);
            let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
            let cos = 1.0 / t.hypot(1.0);
            rotate(columns, p, q, cos, cos * t);
            rotate(right, p, q, cos, cos * t);
        }
    }
    rotated
}

fn rotate(columns: &mut [Vec<f64>], p: usize, q: usize, cos: f64, sin: f64) {
    let (head, tail) = columns.split_at_mut(q);
    for (x, y) in head[p].iter_mut().zip(&mut tail[0]) {
        (*x, *y) = (cos * *x - sin * *y, sin * *x + cos * *y);
    }
}

/// A unit vector orthogonal to those given: of the axes, the one that they cover least, made orthogonal (Gram & Schmidt, twice).
fn another(basis: &[Vec<f64>], len: usize) -> Vec<f64> {
    let covered = |i: usize| basis.iter().map(|b| b[i] * b[i]).sum::<f64>();
    let axis = (0..len).min_by(|&a, &b| covered(a).total_cmp(&covered(b))).unwrap_or(0);
    let mut v: Vec<f64> = (0..len).map(|i| f64::from(i == axis)).collect();
    for _ in 0..2 {
        for b in basis {
            let along = dot(&v, b);
            v.iter_mut().zip(b).for_each(|(v, b)| *v -= along * b);
        }
    }
    let norm = dot(&v, &v).sqrt();
    v.iter().map(|v| v / norm).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
