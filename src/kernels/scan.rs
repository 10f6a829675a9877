//! Along one axis: the place of the largest, running sums, the order of the elements.
use std::cmp::Ordering;

use super::elem::Elem;
use super::parallel;
use super::strided::around;

/// The position of the largest element along an axis, the first of equals (a NaN counts as largest); `out` lacks the axis.
pub fn argmax<T: Elem>(x: &[T], dims: &[usize], axis: usize, out: &mut [T]) {
    let (outer, size, inner) = around(dims, axis);
    assert_eq!(out.len(), outer * inner, "one position for each line along the axis");
    parallel::chunks(out, parallel::rows_per_chunk(size), |start, out| {
        for (i, o) in out.iter_mut().enumerate() {
            let at = line_start(start + i, size, inner);
            let (mut best, mut place) = (x[at], 0);
            for j in 1..size {
                let v = x[at + j * inner];
                if v > best || (is_nan(v) && !is_nan(best)) {
                    (best, place) = (v, j);
                }
            }
            *o = T::from_f64(place as f64);
        }
    });
}

/// The running sum along an axis, from its end if `reverse`.
pub fn cumsum<T: Elem>(x: &[T], dims: &[usize], axis: usize, reverse: bool, out: &mut [T]) {
    let (_, size, inner) = around(dims, axis);
    assert_eq!(x.len(), out.len(), "running sums keep the size");
    parallel::rows(out, size * inner, |first, out| {
        let x = &x[first * size * inner..];
        let mut total = vec![0.0; inner];
        for (i, block) in out.chunks_exact_mut(size * inner).enumerate() {
            total.fill(0.0);
            for j in 0..size {
                let at = if reverse { size - 1 - j } else { j } * inner;
                let from = &x[i * size * inner + at..];
                for ((o, &v), t) in block[at..at + inner].iter_mut().zip(from).zip(&mut total) {
                    *t += v.to_f64();
                    *o = T::from_f64(*t);
                }
            }
        }
    });
}

/// The positions that would sort an axis, equals in their order; NaN counts as largest.
pub fn argsort<T: Elem>(x: &[T], dims: &[usize], axis: usize, descending: bool, out: &mut [T]) {
    let (_, size, inner) = around(dims, axis);
    assert_eq!(x.len(), out.len(), "an order keeps the size");
    let rising = |a: T, b: T| a.partial_cmp(&b).unwrap_or_else(|| is_nan(a).cmp(&is_nan(b)));
    let compare = |a: T, b: T| if descending { rising(b, a) } else { rising(a, b) };
    parallel::rows(out, size * inner, |first, out| {
        let mut order: Vec<usize> = Vec::with_capacity(size);
        for (i, block) in out.chunks_exact_mut(size * inner).enumerate() {
            for k in 0..inner {
                let at = (first + i) * size * inner + k;
                order.clear();
                order.extend(0..size);
                order.sort_by(|&a, &b| -> Ordering { compare(x[at + a * inner], x[at + b * inner]) });
                order.iter().enumerate().for_each(|(j, &p)| block[j * inner + k] = T::from_f64(p as f64));
            }
        }
    });
}

/// Where line `i` along an axis starts.
fn line_start(i: usize, size: usize, inner: usize) -> usize {
    i / inner * size * inner + i % inner
}

fn is_nan<T: Elem>(v: T) -> bool {
    v.partial_cmp(&v).is_none()
}
