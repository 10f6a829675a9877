//! Views of matrices, their products, and products of matrices with themselves.
use super::{close, random, wide};
use sslrun::kernels::{Elem, Gram, Matrix, multiply, product};

/// `a b` of row-major `[m, k]` and `[k, n]`, added to what is there.
fn naive(start: Vec<f64>, a: &[f64], b: &[f64], [m, n, k]: [usize; 3]) -> Vec<f64> {
    let at = |i: usize, j: usize| (0..k).map(|s| a[i * k + s] * b[s * n + j]).sum::<f64>();
    (0..m * n).map(|place| start[place] + at(place / n, place % n)).collect()
}

fn turned<T: Elem>(x: &[T], rows: usize, columns: usize) -> Vec<T> {
    (0..x.len()).map(|place| x[place % rows * columns + place / rows]).collect()
}

fn check<T: Elem>([m, n, k]: [usize; 3], tolerance: f64) {
    let (a, b): (Vec<T>, Vec<T>) = (random(1, m * k), random(2, k * n));
    let c: Vec<T> = random(3, m * n);
    let (at, bt) = (turned(&a, m, k), turned(&b, k, n));
    let (left, right) = (Matrix::new(&a, m, k), Matrix::new(&b, k, n));
    let (left_turned, right_turned) = (Matrix::new(&at, k, m).t(), Matrix::new(&bt, n, k).t());
    let plain = naive(vec![0.0; m * n], &wide(&a), &wide(&b), [m, n, k]);
    let added = naive(wide(&c), &wide(&a), &wide(&b), [m, n, k]);
    for (a, b) in [(left, right), (left_turned, right), (left, right_turned), (left_turned, right_turned)] {
        close(&product(a, b), &plain, tolerance, "a b");
        let mut out = c.clone();
        multiply(&mut out, false, a, b);
        close(&out, &plain, tolerance, "a b in place of what was there");
        out.copy_from_slice(&c);
        multiply(&mut out, true, a, b);
        close(&out, &added, tolerance, "c + a b");
        let some = a.rows(m / 3..m).columns(k / 4..k);
        let rest = product(some, b.rows(k / 4..k).columns(n / 2..n));
        let ours: Vec<f64> = wide(&product(a.columns(k / 4..k), b.rows(k / 4..k)));
        let ours: Vec<f64> = (m / 3..m).flat_map(|i| ours[i * n + n / 2..(i + 1) * n].to_vec()).collect();
        close(&rest, &ours, tolerance, "a part of it");
    }
}

#[test]
fn products_of_views_are_those_of_their_matrices() {
    for sizes in [[1, 1, 1], [3, 5, 7], [300, 20, 40], [130, 1, 600], [1, 200, 33], [4, 6, 0], [0, 3, 4], [3, 0, 4]] {
        check::<f32>(sizes, 3e-6);
        check::<f64>(sizes, 1e-13);
    }
}

#[test]
fn a_product_with_itself_grows_by_parts() {
    for (rows, side) in [(7, 5), (90, 300), (3, 129), (4, 0)] {
        let a: Vec<f64> = random(1, rows * side);
        let mut gram = Gram::new(side);
        let (first, second) = a.split_at(rows / 2 * side);
        gram.add(Matrix::new(first, rows / 2, side));
        gram.add(Matrix::new(second, rows - rows / 2, side));
        let wanted = naive(vec![0.0; side * side], &turned(&a, rows, side), &a, [side, side, rows]);
        let halved: Vec<f64> = wanted.iter().map(|x| x / 2.0).collect();
        close(&gram.over(2.0), &halved, 1e-13, "half of aᵀ a");
    }
}
