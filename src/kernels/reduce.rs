//! Reductions over any set of axes, accurate and in an order that sizes alone decide.
use super::binary::{max, min};
use super::copy::permute;
use super::elem::Elem;
use super::parallel;
use super::path::{Path, multiversion};
use super::strided::count;

/// What becomes of the elements along the reduced axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduce {
    /// Their sum.
    Sum,
    /// The largest; NaN if any is.
    Max,
    /// The smallest; NaN if any is.
    Min,
}

/// Reduces `x` of `dims` over `axes`; `out` holds the remaining axes in order.
pub fn reduce<T: Elem>(op: Reduce, x: &[T], dims: &[usize], axes: &[usize], out: &mut [T]) {
    let kept = |d: &usize| !axes.contains(d);
    let outs: usize = (0..dims.len()).filter(kept).map(|d| dims[d]).product();
    assert_eq!(x.len(), count(dims), "a tensor of {dims:?} has as many elements");
    assert_eq!(out.len(), outs, "reducing {dims:?} over {axes:?} leaves as many elements");
    if let Some((outer, middle, inner)) = middle_block(dims, axes) {
        return reduce_middle(op, x, outer, middle, inner, out);
    }
    let (mut order, last): (Vec<usize>, Vec<usize>) = (0..dims.len()).partition(kept);
    order.extend(last);
    let mut moved = vec![T::ZERO; x.len()];
    permute(x, dims, &order, &mut moved);
    reduce_middle(op, &moved, outs, x.len() / outs.max(1), 1, out);
}

/// The sizes before, in, and after the reduced axes, where those form one block.
fn middle_block(dims: &[usize], axes: &[usize]) -> Option<(usize, usize, usize)> {
    let reduced = |d: &usize| axes.contains(d) && dims[*d] != 1;
    let first = (0..dims.len()).find(reduced).unwrap_or(dims.len());
    let end = (0..dims.len()).rev().find(reduced).map_or(first, |d| d + 1);
    let whole = (first..end).all(|d| axes.contains(&d) || dims[d] == 1);
    whole.then(|| (count(&dims[..first]), count(&dims[first..end]), count(&dims[end..])))
}

fn reduce_middle<T: Elem>(op: Reduce, x: &[T], outer: usize, middle: usize, inner: usize, out: &mut [T]) {
    match op {
        Reduce::Sum => sum_middle(x, outer, middle, inner, out),
        Reduce::Max => fold_middle(x, outer, middle, inner, -T::INFINITY, max, out),
        Reduce::Min => fold_middle(x, outer, middle, inner, T::INFINITY, min, out),
    }
}

fn sum_middle<T: Elem>(x: &[T], outer: usize, middle: usize, inner: usize, out: &mut [T]) {
    if inner == 1 && outer > 1 {
        let per = parallel::rows_per_chunk(middle);
        return parallel::chunks(out, per, |start, out| {
            for (i, o) in out.iter_mut().enumerate() {
                *o = T::from_f64(sum(&x[(start + i) * middle..][..middle]));
            }
        });
    }
    for (i, out) in out.chunks_exact_mut(inner.max(1)).enumerate() {
        let block = &x[i * middle * inner..][..middle * inner];
        if inner == 1 {
            out[0] = T::from_f64(sum_parallel(block));
        } else {
            out.iter_mut().zip(column_sums(block, inner)).for_each(|(o, total)| *o = T::from_f64(total));
        }
    }
}

/// The sum, in parallel.
pub fn sum_parallel<T: Elem>(x: &[T]) -> f64 {
    let pieces = x.len().div_ceil(parallel::CHUNK).max(1);
    parallel::map(pieces, |i| sum(&x[i * parallel::CHUNK..x.len().min((i + 1) * parallel::CHUNK)])).iter().sum()
}

/// The sum: 32 running sums over short blocks, whose totals are added in f64.
pub fn sum<T: Elem>(x: &[T]) -> f64 {
    x.chunks(1024).map(sum_block).sum()
}

fn sum_block<T: Elem>(x: &[T]) -> f64 {
    let mut lanes = [T::ZERO; 32];
    let (groups, rest) = x.as_chunks::<32>();
    for group in groups {
        for (lane, &v) in lanes.iter_mut().zip(group) {
            *lane += v;
        }
    }
    lanes.iter().chain(rest).map(|v| v.to_f64()).sum()
}

/// The sum of each of `width` columns.
pub fn column_sums<T: Elem>(x: &[T], width: usize) -> Vec<f64> {
    let mut total = vec![0.0; width];
    let piece = parallel::rows_per_chunk(width) * width;
    if width == 0 || x.len() <= piece {
        add_columns(Path::current(), x, &mut total);
        return total;
    }
    let mut parts = vec![0.0; x.len().div_ceil(piece) * width];
    parallel::each(parts.chunks_exact_mut(width).zip(x.chunks(piece)), |(part, x)| {
        add_columns(Path::current(), x, part);
    });
    parts.chunks_exact(width).for_each(|part| total.iter_mut().zip(part).for_each(|(t, p)| *t += p));
    total
}

multiversion! {
    /// Adds rows to the totals of their columns: 32 in the tensor's own type before f64 takes over.
    fn add_columns<const FMA: bool, T: Elem>(x: &[T], totals: &mut [f64]) {
        const WIDTH: usize = 64;
        let width = totals.len();
        for block in x.chunks(32 * width.max(1)) {
            for (at, totals) in totals.chunks_mut(WIDTH).enumerate() {
                let mut short = [T::ZERO; WIDTH];
                let short = &mut short[..totals.len()];
                for row in block.chunks_exact(width) {
                    short.iter_mut().zip(&row[at * WIDTH..]).for_each(|(s, &v)| *s += v);
                }
                totals.iter_mut().zip(short).for_each(|(t, s)| *t += s.to_f64());
            }
        }
    }
}

fn fold_middle<T: Elem>(
    x: &[T],
    outer: usize,
    middle: usize,
    inner: usize,
    start: T,
    f: impl Fn(T, T) -> T + Sync,
    out: &mut [T],
) {
    debug_assert_eq!(outer * inner, out.len());
    let per = (parallel::CHUNK / (middle * inner).max(1)).max(1) * inner.max(1);
    parallel::chunks(out, per, |first, out| {
        for (i, out) in out.chunks_exact_mut(inner.max(1)).enumerate() {
            let block = &x[(first / inner.max(1) + i) * middle * inner..][..middle * inner];
            if inner == 1 {
                out[0] = fold(block, start, &f);
            } else {
                out.fill(start);
                for row in block.chunks_exact(inner) {
                    out.iter_mut().zip(row).for_each(|(o, &v)| *o = f(v, *o));
                }
            }
        }
    });
}

/// Folds a row over 16 running results.
fn fold<T: Elem>(x: &[T], start: T, f: impl Fn(T, T) -> T) -> T {
    let mut lanes = [start; 16];
    let (groups, rest) = x.as_chunks::<16>();
    for group in groups {
        for (lane, &v) in lanes.iter_mut().zip(group) {
            *lane = f(v, *lane);
        }
    }
    lanes.iter().chain(rest).fold(start, |a, &v| f(v, a))
}
