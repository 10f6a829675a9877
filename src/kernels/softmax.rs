//! Softmax and its relatives over rows, stable for any finite input.
use super::columns::sum_rows;
use super::elem::Elem;
use super::parallel;
use super::path::{Path, multiversion};

/// y = e^x / sum(e^x) over rows of `c`.
pub fn softmax<T: Elem>(x: &[T], c: usize, y: &mut [T]) {
    each(x, c, y, |x, y| softmax_rows(Path::current(), x, c, y));
}

/// y = x - log(sum(e^x)) over rows of `c`.
pub fn log_softmax<T: Elem>(x: &[T], c: usize, y: &mut [T]) {
    each(x, c, y, |x, y| log_softmax_rows(Path::current(), x, c, y));
}

/// log(sum(e^x)) of each row of `c`; one value a row.
pub fn logsumexp<T: Elem>(x: &[T], c: usize, out: &mut [T]) {
    assert_eq!(x.len(), c * out.len(), "one value for each row");
    parallel::chunks(out, parallel::rows_per_chunk(c), |first, out| {
        logsumexp_rows(Path::current(), &x[first * c..][..out.len() * c], out);
    });
}

/// dx = y (dy - sum(dy y)), given the softmax y.
pub fn softmax_grad<T: Elem>(y: &[T], dy: &[T], c: usize, dx: &mut [T]) {
    assert_eq!(y.len(), dy.len(), "a gradient has the size of its output");
    parallel::rows(dx, c, |first, dx| {
        let piece = first * c..first * c + dx.len();
        softmax_grad_rows(Path::current(), &y[piece.clone()], &dy[piece], c, dx);
    });
}

/// dx = dy - e^y sum(dy), given the log-softmax y.
pub fn log_softmax_grad<T: Elem>(y: &[T], dy: &[T], c: usize, dx: &mut [T]) {
    assert_eq!(y.len(), dy.len(), "a gradient has the size of its output");
    parallel::rows(dx, c, |first, dx| {
        let piece = first * c..first * c + dx.len();
        log_softmax_grad_rows(Path::current(), &y[piece.clone()], &dy[piece], c, dx);
    });
}

fn each<T: Elem>(x: &[T], c: usize, y: &mut [T], f: impl Fn(&[T], &mut [T]) + Sync) {
    assert_eq!(x.len(), y.len(), "a softmax keeps the size");
    parallel::rows(y, c, |first, y| f(&x[first * c..][..y.len()], y));
}

/// The largest of a row.
#[inline(always)]
fn largest<T: Elem>(x: &[T]) -> T {
    let mut lanes = [-T::INFINITY; 16];
    let (groups, rest) = x.as_chunks::<16>();
    for group in groups {
        for i in 0..16 {
            lanes[i] = if group[i] > lanes[i] { group[i] } else { lanes[i] };
        }
    }
    lanes.iter().chain(rest).fold(-T::INFINITY, |m, &v| if v > m { v } else { m })
}

/// The logarithm of the sum of the exponentials. An infinity cannot be subtracted, and need not be.
#[inline(always)]
fn log_sum<const FMA: bool, T: Elem>(x: &[T]) -> T {
    let top = largest(x);
    let top = if top.abs() < T::INFINITY { top } else { T::ZERO };
    T::from_f64(sum_rows([x, x], |[v, _]| (v - top).exp::<FMA>()).ln() + top.to_f64())
}

multiversion! {
    fn softmax_rows<const FMA: bool, T: Elem>(x: &[T], c: usize, y: &mut [T]) {
        for (x, y) in x.chunks_exact(c).zip(y.chunks_exact_mut(c)) {
            let top = largest(x);
            for (y, &x) in y.iter_mut().zip(x) {
                *y = (x - top).exp::<FMA>();
            }
            let scale = T::from_f64(1.0 / sum_rows([y, y], |[v, _]| v));
            for y in y {
                *y *= scale;
            }
        }
    }
}

multiversion! {
    fn log_softmax_rows<const FMA: bool, T: Elem>(x: &[T], c: usize, y: &mut [T]) {
        for (x, y) in x.chunks_exact(c).zip(y.chunks_exact_mut(c)) {
            let total = log_sum::<FMA, T>(x);
            // All else is infinitely smaller than an infinity, which is itself no share of anything.
            let total = if total < T::INFINITY { total } else { T::NAN };
            for (y, &x) in y.iter_mut().zip(x) {
                *y = x - total;
            }
        }
    }
}

multiversion! {
    fn logsumexp_rows<const FMA: bool, T: Elem>(x: &[T], out: &mut [T]) {
        let c = x.len() / out.len();
        for (i, o) in out.iter_mut().enumerate() {
            *o = log_sum::<FMA, T>(&x[i * c..][..c]);
        }
    }
}

multiversion! {
    fn softmax_grad_rows<const FMA: bool, T: Elem>(y: &[T], dy: &[T], c: usize, dx: &mut [T]) {
        for ((y, dy), dx) in y.chunks_exact(c).zip(dy.chunks_exact(c)).zip(dx.chunks_exact_mut(c)) {
            let dot = T::from_f64(sum_rows([y, dy], |[y, d]| y * d));
            for ((o, &y), &d) in dx.iter_mut().zip(y).zip(dy) {
                *o = y * (d - dot);
            }
        }
    }
}

multiversion! {
    fn log_softmax_grad_rows<const FMA: bool, T: Elem>(y: &[T], dy: &[T], c: usize, dx: &mut [T]) {
        for ((y, dy), dx) in y.chunks_exact(c).zip(dy.chunks_exact(c)).zip(dx.chunks_exact_mut(c)) {
            let total = T::from_f64(sum_rows([dy, dy], |[d, _]| d));
            for ((o, &y), &d) in dx.iter_mut().zip(y).zip(dy) {
                *o = d - y.exp::<FMA>() * total;
            }
        }
    }
}
