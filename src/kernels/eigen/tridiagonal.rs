//! Symmetric matrices as tridiagonal ones, by Householder reflections in panels (LAPACK's `dsytrd`).

use rayon::prelude::*;

use crate::kernels::matrix::{Matrix, multiply, multiply_into};
use crate::kernels::path::{Path, multiversion};

/// A symmetric tridiagonal matrix.
pub(super) struct Tridiagonal {
    /// The diagonal.
    pub diagonal: Vec<f64>,
    /// What stands beside it, `beside[i]` between `i` and `i + 1`; one more, that means nothing.
    pub beside: Vec<f64>,
}

/// The reflections that made a matrix tridiagonal: number `k` is `1 - u u^T / half[k]` on what comes after `k`, and its `u` stands in
/// row `k` right of the diagonal.
pub(super) struct Reflections<'a> {
    matrix: &'a [f64],
    half: Vec<f64>,
}

/// How many reflections are made before the rest of the matrix is changed by them, in one pass.
const PANEL: usize = 32;

/// Rows that one thread works on at a time.
const PIECE: usize = 128;

/// Reduces a symmetric `[n, n]` matrix, of which what is on and right of the diagonal is read; its memory keeps the reflections.
pub(super) fn reduce(matrix: &mut [f64], n: usize) -> (Tridiagonal, Reflections<'_>) {
    let (mut beside, mut half) = (vec![0.0; n], vec![0.0; n]);
    for start in (0..n).step_by(PANEL) {
        let end = n.min(start + PANEL);
        let mut changes = Changes { n, u: Vec::new(), q: Vec::new() };
        for k in start..end {
            let (row, later) = matrix[k * n..].split_at_mut(n);
            changes.make(&mut row[k..], k);
            if k + 1 < n {
                let u = &mut row[k + 1..];
                (beside[k], half[k]) = reflection(u);
                changes.push(u, product(later, n, u), half[k]);
            }
        }
        changes.make_all(&mut matrix[end * n..], end);
    }
    let diagonal = (0..n).map(|i| matrix[i * n + i]).collect();
    (Tridiagonal { diagonal, beside }, Reflections { matrix, half })
}

/// Turns `row` into the `u` of the reflection that makes it (alpha, 0, 0, ...); gives alpha and half the square of `u`.
fn reflection(row: &mut [f64]) -> (f64, f64) {
    let length = dot(row, row).sqrt();
    let alpha = if row[0] > 0.0 { -length } else { length };
    row[0] -= alpha;
    (alpha, dot(row, row) / 2.0)
}

/// Reflections from both sides as they change a symmetric matrix: row `i` by the sum of `u[i] q + q[i] u`, which is subtracted.
struct Changes {
    n: usize,
    /// `[reflections, n]`, as `q`.
    u: Vec<f64>,
    q: Vec<f64>,
}

impl Changes {
    fn pairs(&self) -> impl Iterator<Item = (&[f64], &[f64])> {
        self.u.chunks_exact(self.n).zip(self.q.chunks_exact(self.n))
    }

    /// Adds the one that makes `u` of its row, given the products of `u` with the unchanged rest of the matrix.
    fn push(&mut self, u: &[f64], mut products: Vec<f64>, half: f64) {
        let from = self.n - u.len();
        for (v, q) in self.pairs() {
            let (v, q) = (&v[from..], &q[from..]);
            subtract(&mut products, dot(q, u), v, dot(v, u), q);
        }
        // A row that is zero already is left alone.
        let share = if half > 0.0 { 1.0 / half } else { 0.0 };
        let k = dot(u, &products) * share / 2.0;
        self.u.resize(self.u.len() + from, 0.0);
        self.q.resize(self.q.len() + from, 0.0);
        self.u.extend_from_slice(u);
        self.q.extend(products.iter().zip(u).map(|(p, u)| (p - k * u) * share));
    }

    /// Changes the end of row `i`, from the diagonal on.
    fn make(&self, row: &mut [f64], i: usize) {
        for (u, q) in self.pairs() {
            subtract(row, u[i], &q[i..], q[i], &u[i..]);
        }
    }

    /// Changes all rows from number `first` on, right of the diagonal.
    fn make_all(&self, rows: &mut [f64], first: usize) {
        let (n, count) = (self.n, 2 * self.u.len() / self.n.max(1));
        let (left, right) = ([&*self.u, &*self.q].concat(), [&*self.q, &*self.u].concat());
        let left: Vec<f64> = left.iter().map(|x| -x).collect();
        rows.par_chunks_mut(PIECE * n).enumerate().for_each(|(i, rows)| {
            let start = first + i * PIECE;
            let some = start..start + rows.len() / n;
            let left = Matrix::new(&left, count, n).columns(some).t();
            multiply_into(&mut rows[start..], n, left, Matrix::new(&right, count, n).columns(start..n));
        });
    }
}

/// The product of `u` with the symmetric matrix in the last columns of `rows`, which has its right half there.
fn product(rows: &[f64], n: usize, u: &[f64]) -> Vec<f64> {
    let some = 2 * PIECE;
    let piece = |(i, rows): (usize, &[f64])| {
        let mut sums = vec![0.0; u.len() - i * some];
        multiply_rows(Path::current(), rows, n, &u[i * some..], &mut sums);
        sums
    };
    if u.len() <= some {
        return piece((0, rows));
    }
    let pieces: Vec<Vec<f64>> = rows.par_chunks(some * n).enumerate().map(piece).collect();
    let mut total = vec![0.0; u.len()];
    for (i, sums) in pieces.iter().enumerate() {
        total[i * some..].iter_mut().zip(sums).for_each(|(t, s)| *t += s);
    }
    total
}

multiversion! {
    /// Adds what some rows, and the columns below them that are their mirror image, contribute to the product with `u`.
    fn multiply_rows<const FMA: bool>(rows: &[f64], n: usize, u: &[f64], sums: &mut [f64]) {
        let from = n - u.len();
        for (i, rows) in rows.chunks(4 * n).enumerate() {
            let at = |r: usize| &rows[r * n + from + 4 * i..(r + 1) * n];
            let (u, sums) = (&u[4 * i..], &mut sums[4 * i..]);
            if rows.len() == 4 * n {
                multiply_some([at(0), at(1), at(2), at(3)], u, sums);
            } else {
                (0..rows.len() / n).for_each(|r| multiply_some([&at(r)[r..]], &u[r..], &mut sums[r..]));
            }
        }
    }
}

/// As above, of `R` rows that all begin where the first meets the diagonal.
#[inline(always)]
fn multiply_some<const R: usize>(rows: [&[f64]; R], u: &[f64], sums: &mut [f64]) {
    for r in 0..R {
        sums[r] += rows[r][r] * u[r];
        for c in r + 1..R {
            sums[r] += rows[r][c] * u[c];
            sums[c] += rows[r][c] * u[r];
        }
    }
    let (own, u) = u.split_at(R);
    let own: [f64; R] = std::array::from_fn(|r| own[r]);
    let (mine, sums) = sums.split_at_mut(R);
    let rows: [_; R] = std::array::from_fn(|r| rows[r][R..].as_chunks::<8>());
    let (us, sums) = (u.as_chunks::<8>(), sums.as_chunks_mut::<8>());
    let mut lanes = [[0.0; 8]; R];
    for (j, (u, sums)) in us.0.iter().zip(sums.0).enumerate() {
        // Copies, so that nothing can change underneath: else there would be no vectors.
        let (u, mut sum) = (*u, *sums);
        for r in 0..R {
            let row = rows[r].0[j];
            for i in 0..8 {
                sum[i] += row[i] * own[r];
                lanes[r][i] += row[i] * u[i];
            }
        }
        *sums = sum;
    }
    for (j, (u, sum)) in us.1.iter().zip(sums.1).enumerate() {
        for r in 0..R {
            *sum += rows[r].1[j] * own[r];
            lanes[r][j] += rows[r].1[j] * u;
        }
    }
    mine.iter_mut().zip(lanes).for_each(|(sum, lanes)| *sum += lanes.iter().sum::<f64>());
}

impl Reflections<'_> {
    /// Turns vectors of the tridiagonal matrix, `[any, n]`, into those of the matrix that it was.
    pub fn undo(&self, vectors: &mut [f64]) {
        let n = self.half.len();
        for start in (0..n.saturating_sub(1)).step_by(PANEL).rev() {
            let (u, t) = self.panel(start);
            let (count, width) = (t.len().isqrt(), n - start - 1);
            let (u, t) = (Matrix::new(&u, count, width), Matrix::new(&t, count, count));
            vectors.par_chunks_mut(PIECE * n).for_each(|vectors| {
                let rows = vectors.len() / n;
                let (mut along, mut turned) = (vec![0.0; rows * count], vec![0.0; rows * count]);
                multiply(&mut along, false, Matrix::new(vectors, rows, n).columns(start + 1..n), u.t());
                multiply(&mut turned, false, Matrix::new(&along, rows, count), t.t());
                turned.iter_mut().for_each(|x| *x = -*x);
                multiply_into(&mut vectors[start + 1..], n, Matrix::new(&turned, rows, count), u);
            });
        }
    }

    /// The product of a panel's reflections as `1 - u^T t u`, with `u` of `[count, n - start - 1]` and `t` of `[count, count]`
    /// (Schreiber & Van Loan 1989).
    fn panel(&self, start: usize) -> (Vec<f64>, Vec<f64>) {
        let n = self.half.len();
        let (count, width) = (PANEL.min(n - 1 - start), n - start - 1);
        let mut u = vec![0.0; count * width];
        for (i, row) in u.chunks_exact_mut(width).enumerate() {
            row[i..].copy_from_slice(&self.matrix[(start + i) * n + start + i + 1..(start + i + 1) * n]);
        }
        let mut t = vec![0.0; count * count];
        for j in (0..count).filter(|&j| self.half[start + j] > 0.0) {
            let share = 1.0 / self.half[start + j];
            let along: Vec<f64> = (0..j).map(|i| dot(&u[i * width..][..width], &u[j * width..][..width])).collect();
            for i in 0..j {
                t[i * count + j] = -share * dot(&t[i * count..][..j], &along);
            }
            t[j * count + j] = share;
        }
        (u, t)
    }
}

/// `row -= a x + b y`
fn subtract(row: &mut [f64], a: f64, x: &[f64], b: f64, y: &[f64]) {
    for ((r, x), y) in row.iter_mut().zip(x).zip(y) {
        *r -= a * x + b * y;
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a8, a1), (b8, b1)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut lanes = [0.0; 8];
    for (a, b) in a8.iter().zip(b8) {
        for i in 0..8 {
            lanes[i] += a[i] * b[i];
        }
    }
    let rest: f64 = a1.iter().zip(b1).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f64>() + rest
}
