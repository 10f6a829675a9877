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
    /// Over how many rows in all each column gets the same share.
    pub count: usize,
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

/// `y = exp(x / epsilon - u_i - v_j)` for each problem: rows sum to one, columns nearly to `count / columns`.
pub fn sinkhorn<T: Elem>(sizes: &Sinkhorn, x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), y.len(), "an assignment keeps the size");
    let size = sizes.rows * sizes.columns;
    if size == 0 {
        return;
    }
    for (x, y) in x.chunks_exact(size).zip(y.chunks_exact_mut(size)) {
        let scaled = Problem { sizes, x }.solve();
        parallel::rows(y, sizes.columns, |first, y| {
            for (i, y) in y.chunks_exact_mut(sizes.columns).enumerate() {
                let row = scaled.row(first + i).iter().zip(&scaled.b);
                y.iter_mut().zip(row).for_each(|(y, (e, b))| *y = T::from_f64(scaled.a[first + i] * e * b));
            }
        });
    }
}

/// Positive numbers with a factor for each row and each column.
struct Scaled {
    e: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
}

/// Within what a factor stays before it is taken into the logarithms.
const SAFE: std::ops::Range<f64> = 1e-100..1e100;

impl Scaled {
    fn row(&self, i: usize) -> &[f64] {
        let columns = self.b.len();
        &self.e[i * columns..(i + 1) * columns]
    }

    /// Scales columns to sum to `share`, then rows to one. By how much the rows have changed, in parts; `None`, and nothing is
    /// done, where a factor would leave what is safe.
    fn step(&mut self, share: f64) -> Option<f64> {
        let columns = self.b.len();
        let piece = parallel::rows_per_chunk(columns);
        let sums = parallel::map(self.a.len().div_ceil(piece), |p| {
            let mut sums = vec![0.0; columns];
            for i in p * piece..((p + 1) * piece).min(self.a.len()) {
                sums.iter_mut().zip(self.row(i)).for_each(|(sum, e)| *sum += self.a[i] * e);
            }
            sums
        });
        let b: Vec<f64> = (0..columns).map(|j| share / sums.iter().map(|part| part[j]).sum::<f64>()).collect();
        let mut a = vec![0.0; self.a.len()];
        parallel::chunks(&mut a, piece, |first, a| {
            for (i, a) in a.iter_mut().enumerate() {
                *a = 1.0 / self.row(first + i).iter().zip(&b).map(|(e, b)| e * b).sum::<f64>();
            }
        });
        if !a.iter().chain(&b).all(|factor| SAFE.contains(factor)) {
            return None;
        }
        let change = a.iter().zip(&self.a).map(|(new, old)| (old / new - 1.0).abs()).sum();
        (self.a, self.b) = (a, b);
        Some(change)
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

    /// The scores with their factors: in logarithms at first, then by plain products for as long as these are safe.
    fn solve(&self) -> Scaled {
        let share = self.sizes.count as f64 / self.sizes.columns as f64;
        let mut u = vec![0.0; self.sizes.rows];
        let mut scaled = Scaled { e: Vec::new(), a: vec![1.0; self.sizes.rows], b: Vec::new() };
        for iteration in 0..self.sizes.iterations {
            let plain = if iteration > 0 { scaled.step(share) } else { None };
            let change = plain.unwrap_or_else(|| {
                u.iter_mut().zip(&scaled.a).for_each(|(u, a)| *u -= a.ln());
                let v = self.columns(&u);
                let before = std::mem::replace(&mut u, self.rows(&v));
                scaled = self.scaled(&u, &v);
                u.iter().zip(before).map(|(new, old)| ((new - old).exp() - 1.0).abs()).sum()
            });
            if iteration.is_multiple_of(LOOK) && self.sizes.tolerance.is_some_and(|t| change <= t) {
                break;
            }
        }
        scaled
    }

    /// `exp(x - u_i - v_j)`, with factors of one.
    fn scaled(&self, u: &[f64], v: &[f64]) -> Scaled {
        let mut e = vec![0.0; u.len() * v.len()];
        parallel::rows(&mut e, v.len(), |first, e| {
            for (i, e) in e.chunks_exact_mut(v.len()).enumerate() {
                let row = self.row(first + i).zip(v);
                e.iter_mut().zip(row).for_each(|(e, (x, v))| *e = (x - u[first + i] - v).exp());
            }
        });
        Scaled { e, a: vec![1.0; u.len()], b: vec![1.0; v.len()] }
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
        let share = (self.sizes.count as f64 / self.sizes.columns as f64).ln();
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
