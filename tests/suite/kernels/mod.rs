//! The CPU kernels against naive loops in f64.
mod attention;
mod conv;
mod decompositions;
mod elementwise;
mod matrices;
mod moving;
mod norms;
mod products;
mod reductions;

use sslrun::kernels::{Elem, randn};
use sslrun::random::Rng;

/// Normal numbers.
pub fn random<T: Elem>(seed: u64, n: usize) -> Vec<T> {
    let mut out = vec![T::ZERO; n];
    randn(seed, 0, &mut out);
    out
}

/// Whole numbers below `limit`, as the tensors keep indices.
pub fn indices(seed: u64, n: usize, limit: usize) -> Vec<f32> {
    let mut rng = Rng::new(&[seed]);
    (0..n).map(|_| rng.below(limit) as f32).collect()
}

/// As f64.
pub fn wide<T: Elem>(x: &[T]) -> Vec<f64> {
    x.iter().map(|v| v.to_f64()).collect()
}

/// Asserts that every value is as expected to `tolerance` times the largest.
pub fn close<T: Elem>(got: &[T], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-30f64, |m, v| m.max(v.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        let off = (g.to_f64() - e).abs();
        assert!(off <= tolerance * scale, "{what}: element {i} is {g:?}, expected {e} (scale {scale})");
    }
}

/// Asserts that `f` writes the same bits in pools of 1, 2 and 3 threads.
pub fn same_for_any_threads(len: usize, f: impl Fn(&mut [f32]) + Sync) {
    let runs = [1, 2, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool");
        let mut out = vec![0.0f32; len];
        pool.install(|| f(&mut out));
        out.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
    });
    assert!(runs[0] == runs[1] && runs[0] == runs[2]);
}

/// Every index of a tensor of `dims`, in row-major order.
pub fn positions(dims: &[usize]) -> Vec<Vec<usize>> {
    dims.iter().fold(vec![vec![]], |all, &size| {
        all.iter().flat_map(|at| (0..size).map(|i| [at.as_slice(), &[i]].concat())).collect()
    })
}

/// The row-major place of an index; sizes of 1 repeat, missing leading dimensions too.
pub fn place(at: &[usize], dims: &[usize]) -> usize {
    let at = &at[at.len() - dims.len()..];
    at.iter().zip(dims).fold(0, |p, (&i, &size)| p * size + if size == 1 { 0 } else { i })
}
