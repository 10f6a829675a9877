//! Reductions, and functions along one axis.
use super::{close, indices, place, positions, random, same_for_any_threads, wide};
use sslrun::kernels::{Elem, Reduce, argmax, argsort, cumsum, reduce};

fn naive(op: Reduce, x: &[f64], dims: &[usize], axes: &[usize]) -> Vec<f64> {
    let kept: Vec<usize> = (0..dims.len()).filter(|d| !axes.contains(d)).collect();
    let out_dims: Vec<usize> = kept.iter().map(|&d| dims[d]).collect();
    let mut groups: Vec<Vec<f64>> = vec![vec![]; out_dims.iter().product()];
    for at in positions(dims) {
        let to: Vec<usize> = kept.iter().map(|&d| at[d]).collect();
        groups[place(&to, &out_dims)].push(x[place(&at, dims)]);
    }
    let fold = |g: Vec<f64>| match op {
        Reduce::Sum => g.iter().sum(),
        Reduce::Max => g.into_iter().fold(f64::NEG_INFINITY, f64::max),
        Reduce::Min => g.into_iter().fold(f64::INFINITY, f64::min),
    };
    groups.into_iter().map(fold).collect()
}

fn check<T: Elem>(tolerance: f64) {
    let cases: [(&[usize], &[usize]); 13] = [
        (&[5], &[0]),
        (&[4, 37], &[1]),
        (&[37, 5], &[0]),
        (&[3, 4, 5], &[1]),
        (&[3, 4, 5], &[0, 1, 2]),
        (&[3, 4, 5], &[0, 2]),
        (&[3, 4, 5], &[]),
        (&[2, 3, 4, 3], &[0, 2]),
        (&[2, 3, 4, 3], &[1, 3]),
        (&[2, 3, 1, 3], &[1, 3]),
        (&[2, 1, 3], &[1]),
        (&[300, 170], &[0]),
        (&[300, 170], &[1]),
    ];
    for (dims, axes) in cases {
        let x: Vec<T> = random(7, dims.iter().product());
        for op in [Reduce::Sum, Reduce::Max, Reduce::Min] {
            let expected = naive(op, &wide(&x), dims, axes);
            let mut out = vec![T::from_f64(9.0); expected.len()];
            reduce(op, &x, dims, axes, &mut out);
            close(&out, &expected, tolerance, &format!("{op:?} {dims:?} {axes:?}"));
        }
    }
}

#[test]
fn reductions_over_any_axes() {
    check::<f32>(1e-6);
    check::<f64>(1e-13);
}

#[test]
fn long_sums_are_accurate_for_any_threads() {
    let n = 1 << 24;
    let x = vec![0.1f32; n];
    let expected = 0.1f32 as f64 * n as f64;
    let mut out = [0.0f32];
    reduce(Reduce::Sum, &x, &[n], &[0], &mut out);
    close(&out, &[expected], 1e-6, "all");
    let mut columns = [0.0f32; 4];
    reduce(Reduce::Sum, &x, &[n / 4, 4], &[0], &mut columns);
    close(&columns, &[expected / 4.0; 4], 1e-6, "columns");
    let x: Vec<f32> = random(1, 300_000);
    same_for_any_threads(1, |out| reduce(Reduce::Sum, &x, &[300_000], &[0], out));
    same_for_any_threads(30, |out| reduce(Reduce::Sum, &x, &[10_000, 30], &[0], out));
    same_for_any_threads(3000, |out| reduce(Reduce::Sum, &x, &[3000, 100], &[1], out));
}

#[test]
fn nan_is_the_largest_and_the_smallest() {
    let mut x: Vec<f32> = random(1, 40);
    x[17] = f32::NAN;
    for op in [Reduce::Max, Reduce::Min] {
        for (dims, axis) in [([40, 1], 0), ([20, 2], 0), ([2, 20], 1)] {
            let mut out = vec![0.0f32; 40 / dims[axis]];
            reduce(op, &x, &dims, &[axis], &mut out);
            assert_eq!(out.iter().filter(|v| v.is_nan()).count(), 1, "{op:?} {dims:?}");
        }
    }
}

#[test]
fn places_of_the_largest_are_the_first() {
    let x = [3.0f32, 1.0, 3.0, 2.0, 1.0, 1.0];
    let mut out = [9.0f32; 2];
    argmax(&x, &[2, 3], 1, &mut out);
    assert_eq!(out, [0.0, 0.0]);
    let mut columns = [9.0f32; 3];
    argmax(&x, &[2, 3], 0, &mut columns);
    assert_eq!(columns, [0.0, 0.0, 0.0]);
    argmax(&[1.0, f32::NAN, 5.0, 2.0, 7.0, f32::NAN], &[2, 3], 1, &mut out);
    assert_eq!(out, [1.0, 2.0]);
}

#[test]
fn running_sums_both_ways() {
    let dims = [3usize, 4, 5];
    let x: Vec<f32> = random(4, 60);
    for axis in 0..3 {
        for reverse in [false, true] {
            let mut out = vec![0.0f32; 60];
            cumsum(&x, &dims, axis, reverse, &mut out);
            let expected: Vec<f64> = positions(&dims)
                .iter()
                .map(|at| {
                    let counted = if reverse { at[axis]..dims[axis] } else { 0..at[axis] + 1 };
                    let value = |i: usize| {
                        let mut from = at.clone();
                        from[axis] = i;
                        x[place(&from, &dims)] as f64
                    };
                    counted.map(value).sum()
                })
                .collect();
            close(&out, &expected, 1e-6, &format!("axis {axis}, reverse {reverse}"));
        }
    }
}

#[test]
fn orders_are_stable_with_nan_as_the_largest() {
    let mut out = [9.0f32; 5];
    let x = [2.0, f32::NAN, 1.0, 2.0, 0.0];
    argsort(&x, &[5], 0, false, &mut out);
    assert_eq!(out, [4.0, 2.0, 0.0, 3.0, 1.0]);
    argsort(&x, &[5], 0, true, &mut out);
    assert_eq!(out, [1.0, 0.0, 3.0, 2.0, 4.0]);
    let x = indices(1, 24, 4);
    let mut out = vec![0.0f32; 24];
    argsort(&x, &[4, 6], 0, false, &mut out);
    for column in 0..6 {
        let keys: Vec<_> =
            (0..4).map(|i| (x[out[i * 6 + column] as usize * 6 + column], out[i * 6 + column])).collect();
        assert!(keys.is_sorted(), "{keys:?}");
    }
}
