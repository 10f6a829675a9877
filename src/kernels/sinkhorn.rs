//! Balanced assignment by alternate scaling (Sinkhorn & Knopp 1967), in logarithms and f64: no score is too large for it.
use super::elem::Elem;
use super::parallel;

/// Rows of scores that are turned into probabilities which use all columns equally.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sinkhorn {
    /// Rows of a problem.
    pub rows: usize,
    /// Columns of a problem.
    pub columns: usize,
    /// What scores are divided by.
    pub epsilon: f64,
    /// Whether the scores are probabilities, whose logarithms are meant.
    pub probabilities: bool,
    /// How often columns and then rows are scaled, at most.
    pub iterations: usize,
    /// Stops where the scales of all rows together change by no more than this part; looked at every ten iterations.
    pub tolerance: Option<f64>,
}

/// How many iterations lie between two looks at the tolerance.
const LOOK: usize = 10;

/// `y = exp(x / epsilon - u_i - v_j)` for each problem: rows sum to one, columns nearly to `rows / columns`.
pub fn sinkhorn<T: Elem>(sizes: &Sinkhorn, x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), y.len(), "an assignment keeps the size");
    let size = sizes.rows * sizes.columns;
    if size == 0 {
        return;
    }
    for (x, y) in x.chunks_exact(size).zip(y.chunks_exact_mut(size)) {
        let problem = Problem { sizes, x };
        let (u, v) = problem.solve();
        parallel::rows(y, sizes.columns, |first, y| {
            for (i, y) in y.chunks_exact_mut(sizes.columns).enumerate() {
                let row = problem.row(first + i);
                for ((y, x), v) in y.iter_mut().zip(row).zip(&v) {
                    *y = T::from_f64((x - u[first + i] - v).exp());
                }
            }
        });
    }
}

/// One matrix of scores.
struct Problem<'a, T> {
    sizes: &'a Sinkhorn,
    x: &'a [T],
}

impl<T: Elem> Problem<'_, T> {
    /// The scores of one row.
    fn row(&self, i: usize) -> impl Iterator<Item = f64> {
        let (columns, scale) = (self.sizes.columns, 1.0 / self.sizes.epsilon);
        let log = self.sizes.probabilities;
        self.x[i * columns..(i + 1) * columns]
            .iter()
            .map(move |x| scale * if log { x.to_f64().ln() } else { x.to_f64() })
    }

    /// The logarithms of what rows and columns are divided by.
    fn solve(&self) -> (Vec<f64>, Vec<f64>) {
        let (mut u, mut v) = (vec![0.0; self.sizes.rows], vec![0.0; self.sizes.columns]);
        for iteration in 0..self.sizes.iterations {
            v = self.columns(&u);
            let before = std::mem::replace(&mut u, self.rows(&v));
            if let Some(tolerance) = self.sizes.tolerance
                && iteration.is_multiple_of(LOOK)
                && u.iter().zip(before).map(|(new, old)| ((new - old).exp() - 1.0).abs()).sum::<f64>() <= tolerance
            {
                break;
            }
        }
        (u, v)
    }

    /// The logarithm of each row's sum.
    fn rows(&self, v: &[f64]) -> Vec<f64> {
        let mut u = vec![0.0; self.sizes.rows];
        parallel::chunks(&mut u, parallel::rows_per_chunk(v.len()), |first, u| {
            for (i, u) in u.iter_mut().enumerate() {
                let shifted = || self.row(first + i).zip(v).map(|(x, v)| x - v);
                let top = shifted().fold(f64::NEG_INFINITY, f64::max);
                *u = log_sum(top, shifted().map(|x| (x - top).exp()).sum());
            }
        });
        u
    }

    /// The logarithm of each column's sum, over what it should be.
    fn columns(&self, u: &[f64]) -> Vec<f64> {
        let piece = parallel::rows_per_chunk(self.sizes.columns);
        let parts =
            parallel::map(u.len().div_ceil(piece), |p| self.partial(u, p * piece..((p + 1) * piece).min(u.len())));
        let share = (self.sizes.rows as f64 / self.sizes.columns as f64).ln();
        let merged = |j: usize| {
            let top = parts.iter().map(|(tops, _)| tops[j]).fold(f64::NEG_INFINITY, f64::max);
            let scaled = |(tops, sums): &(Vec<f64>, Vec<f64>)| match sums[j] > 0.0 {
                true => sums[j] * (tops[j] - top).exp(),
                false => 0.0,
            };
            let log = log_sum(top, parts.iter().map(scaled).sum());
            if top > f64::NEG_INFINITY { log - share } else { 0.0 }
        };
        (0..self.sizes.columns).map(merged).collect()
    }

    /// The largest element of each column in some rows, and the sum of the exponentials relative to it.
    fn partial(&self, u: &[f64], rows: std::ops::Range<usize>) -> (Vec<f64>, Vec<f64>) {
        let mut tops = vec![f64::NEG_INFINITY; self.sizes.columns];
        let mut sums = vec![0.0; self.sizes.columns];
        for i in rows.clone() {
            for (top, x) in tops.iter_mut().zip(self.row(i)) {
                *top = top.max(x - u[i]);
            }
        }
        for i in rows {
            for ((sum, x), top) in sums.iter_mut().zip(self.row(i)).zip(&tops) {
                *sum += if *top > f64::NEG_INFINITY { (x - u[i] - top).exp() } else { 0.0 };
            }
        }
        (tops, sums)
    }
}

/// `top + log(sum)`; 0 where there is nothing to scale.
fn log_sum(top: f64, sum: f64) -> f64 {
    if top > f64::NEG_INFINITY { top + sum.ln() } else { 0.0 }
}
