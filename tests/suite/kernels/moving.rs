//! Permuting, cutting, joining, choosing.
use super::{indices, place, positions, random, same_for_any_threads};
use sslrun::kernels::{Rows, broadcast_to, concat, gather, pad, permute, place_rows, scatter_add, slice, take_rows};

/// A tensor built from the value at every index.
fn build(dims: &[usize], f: impl Fn(&[usize]) -> f32) -> Vec<f32> {
    positions(dims).iter().map(|at| f(at)).collect()
}

#[test]
fn permutations_of_up_to_four_axes() {
    let dims = [3usize, 17, 5, 18];
    let x: Vec<f32> = random(1, dims.iter().product());
    for perm in positions(&[4, 4, 4, 4]).into_iter().filter(|p| (0..4).all(|d| p.contains(&d))) {
        let out_dims: Vec<usize> = perm.iter().map(|&d| dims[d]).collect();
        let expected = build(&out_dims, |at| {
            let mut from = [0; 4];
            perm.iter().zip(at).for_each(|(&d, &i)| from[d] = i);
            x[place(&from, &dims)]
        });
        let mut out = vec![0.0; x.len()];
        permute(&x, &dims, &perm, &mut out);
        assert!(out == expected, "{perm:?}");
    }
    let x: Vec<f32> = random(1, 200 * 333);
    let mut out = vec![0.0; x.len()];
    permute(&x, &[200, 333], &[1, 0], &mut out);
    assert!(out == build(&[333, 200], |at| x[at[1] * 333 + at[0]]));
    same_for_any_threads(x.len(), |out| permute(&x, &[200, 333], &[1, 0], out));
}

#[test]
fn slices_pads_and_joins() {
    let dims = [3usize, 7, 4];
    let x: Vec<f32> = random(1, 84);
    let mut out = vec![0.0; 36];
    slice(&x, &dims, 1, 1, 2, 3, &mut out);
    assert_eq!(out, build(&[3, 3, 4], |at| x[place(&[at[0], 1 + 2 * at[1], at[2]], &dims)]));
    let mut out = vec![0.0; 42];
    slice(&x, &dims, 2, 2, 1, 2, &mut out);
    assert_eq!(out, build(&[3, 7, 2], |at| x[place(&[at[0], at[1], 2 + at[2]], &dims)]));
    let mut out = vec![0.0; 120];
    pad(&x, &dims, 1, 2, 1, 5.0, &mut out);
    let value = |at: &[usize]| if (2..9).contains(&at[1]) { x[place(&[at[0], at[1] - 2, at[2]], &dims)] } else { 5.0 };
    assert_eq!(out, build(&[3, 10, 4], value));
    let y: Vec<f32> = random(2, 24);
    let mut out = vec![0.0; 108];
    concat(&[(&x, &dims), (&y, &[3, 2, 4])], 1, &mut out);
    let value = |at: &[usize]| match at[1] {
        0..7 => x[place(at, &dims)],
        _ => y[place(&[at[0], at[1] - 7, at[2]], &[3, 2, 4])],
    };
    assert_eq!(out, build(&[3, 9, 4], value));
}

#[test]
fn repeats() {
    for (dims, out_dims) in [(vec![1, 4], vec![3, 4]), (vec![3, 1], vec![2, 3, 5]), (vec![], vec![2, 2])] {
        let x: Vec<f32> = random(1, dims.iter().product());
        let mut out = vec![0.0; out_dims.iter().product()];
        broadcast_to(&x, &dims, &mut out, &out_dims);
        assert_eq!(out, build(&out_dims, |at| x[place(at, &dims)]));
    }
}

#[test]
fn gathering_and_scattering() {
    let dims = [3usize, 7, 4];
    let x: Vec<f32> = random(1, 84);
    for (axis, index_dims) in [(1, [3usize, 5, 4]), (0, [9, 7, 4]), (2, [2, 5, 6])] {
        let n: usize = index_dims.iter().product();
        let index = indices(3, n, dims[axis]);
        let from = |at: &[usize]| {
            let mut from = at.to_vec();
            from[axis] = index[place(at, &index_dims)] as usize;
            place(&from, &dims)
        };
        let mut out = vec![0.0; n];
        gather(&x, &dims, axis, &index, &index_dims, &mut out).expect("indices inside");
        assert_eq!(out, build(&index_dims, |at| x[from(at)]));
        let mut sums = vec![1.0; 84];
        scatter_add(&out, &index, &index_dims, axis, &mut sums, &dims).expect("indices inside");
        let mut expected = vec![1.0; 84];
        positions(&index_dims).iter().zip(&out).for_each(|(at, v)| expected[from(at)] += v);
        assert_eq!(sums, expected);
    }
}

#[test]
fn rows_of_samples_are_taken_and_placed() {
    for (n, rows, width, count) in [(3, 7, 4, 2), (1, 5, 1, 9), (40, 16, 96, 12)] {
        let x: Vec<f32> = random(1, n * rows * width);
        let index = indices(3, n * count, rows);
        let from = |at: &[usize]| place(&[at[0], index[at[0] * count + at[1]] as usize, at[2]], &[n, rows, width]);
        let cfg = Rows { rows, width, count };
        let mut taken = vec![1.0; n * count * width];
        take_rows(&cfg, &x, &index, &mut taken).expect("indices inside");
        assert_eq!(taken, build(&[n, count, width], |at| x[from(at)]));
        let mut placed = vec![1.0; x.len()];
        place_rows(&cfg, &taken, &index, &mut placed).expect("indices inside");
        let mut expected = vec![0.0; x.len()];
        positions(&[n, count, width]).iter().zip(&taken).for_each(|(at, v)| expected[from(at)] += v);
        assert_eq!(placed, expected);
        same_for_any_threads(x.len(), |out| place_rows(&cfg, &taken, &index, out).expect("indices inside"));
    }
}

#[test]
fn a_bad_index_is_named() {
    let mut out = [0.0f32; 2];
    for bad in [3.0, -1.0, 0.5, f32::NAN] {
        let error = gather(&[1.0, 2.0, 3.0], &[3], 0, &[0.0, bad], &[2], &mut out).expect_err("outside");
        assert_eq!((error.at, error.size), (1, 3));
    }
    let cfg = Rows { rows: 2, width: 1, count: 2 };
    let error = take_rows(&cfg, &[1.0f32, 2.0], &[5.0, 0.0], &mut out).expect_err("outside");
    assert_eq!(error.to_string(), "index 5 (element 0) lies outside an axis of size 2");
    let error = take_rows(&cfg, &[1.0f32, 2.0], &[1.0, 0.5], &mut out).expect_err("not whole");
    assert_eq!(error.to_string(), "index 0.5 (element 1) is no whole number");
}
