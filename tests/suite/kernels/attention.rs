//! Attention in f32 and in blocks against the plain formula in f64, and its gradients against their f64 selves.

use super::{close, random, same_for_any_threads, wide};
use sslrun::kernels::{Attention, Elem, attention, attention_bias_grad, attention_input_grad};

/// Sizes of several blocks of queries, and of no whole number of vectors.
const APART: Attention = Attention { n: 2, heads: 3, queries: 70, keys: 301, dim: 5, packed: false };
const PACKED: Attention = Attention { n: 3, heads: 2, queries: 67, keys: 67, dim: 8, packed: true };

/// Queries, keys and values, a bias, and the gradient of the result.
struct Given<T> {
    x: [Vec<T>; 3],
    bias: Vec<T>,
    dy: Vec<T>,
}

impl<T: Elem> Given<T> {
    fn new(a: &Attention) -> Self {
        let width = a.heads * a.dim;
        let rows = if a.packed { [3 * a.queries; 3] } else { [a.queries, a.keys, a.keys] };
        // What is packed is one tensor, and given three times.
        let x = [0, 1, 2].map(|i| random(if a.packed { 1 } else { i + 1 }, a.n * rows[i as usize] * width));
        Given { x, bias: random(7, a.heads * a.queries * a.keys), dy: random(9, a.n * a.queries * width) }
    }

    fn x(&self) -> [&[T]; 3] {
        [&self.x[0], &self.x[1], &self.x[2]]
    }
}

/// The formula, one score at a time.
fn plain(a: &Attention, given: &Given<f64>) -> Vec<f64> {
    let width = a.heads * a.dim;
    let at = |part: usize, sample: usize, row: usize, column: usize| match a.packed {
        true => given.x[0][(sample * a.queries + row) * 3 * width + part * width + column],
        false => given.x[part][(sample * [a.queries, a.keys][part.min(1)] + row) * width + column],
    };
    let mut y = vec![0.0; a.n * a.queries * width];
    for (i, y) in y.iter_mut().enumerate() {
        let (sample, query, column) = (i / width / a.queries, i / width % a.queries, i % width);
        let head = column / a.dim;
        let score = |key: usize| {
            let own = head * a.dim..(head + 1) * a.dim;
            let dot: f64 = own.map(|c| at(0, sample, query, c) * at(1, sample, key, c)).sum();
            (dot / (a.dim as f64).sqrt() + given.bias[(head * a.queries + query) * a.keys + key]).exp()
        };
        let scores: Vec<f64> = (0..a.keys).map(score).collect();
        let values = scores.iter().enumerate().map(|(key, s)| s * at(2, sample, key, column));
        *y = values.sum::<f64>() / scores.iter().sum::<f64>();
    }
    y
}

/// Result and gradients, one behind the other.
fn all<T: Elem>(a: &Attention, given: &Given<T>) -> [Vec<T>; 3] {
    let width = a.heads * a.dim;
    let mut y = vec![T::ZERO; a.n * a.queries * width];
    let mut dx = vec![T::ZERO; a.n * (a.queries + 2 * a.keys) * width];
    let mut db = given.bias.clone();
    attention(a, given.x(), Some(&given.bias), &mut y);
    attention_input_grad(a, given.x(), Some(&given.bias), &given.dy, &mut dx);
    attention_bias_grad(a, given.x(), &given.bias, &given.dy, &mut db);
    [y, dx, db]
}

#[test]
fn attention_is_its_formula() {
    for a in [APART, PACKED] {
        let (given, rounded) = (Given::<f64>::new(&a), Given::<f32>::new(&a));
        let (exact, single) = (all(&a, &given), all(&a, &rounded));
        close(&exact[0], &plain(&a, &given), 1e-12, "attention");
        for ((exact, single), what) in exact.iter().zip(&single).zip(["attention", "input gradient", "bias gradient"]) {
            close(single, &wide(exact), 1e-5, what);
        }
    }
}

#[test]
fn scores_that_are_large_do_not_overflow() {
    let a = Attention { n: 1, heads: 1, queries: 2, keys: 3, dim: 1, packed: false };
    let (q, k, v) = ([1e4f32, -1e4], [1e4f32, 0.0, -1e4], [1.0f32, 2.0, 3.0]);
    let mut y = [0.0; 2];
    attention(&a, [&q, &k, &v], None, &mut y);
    assert_eq!(y, [1.0, 3.0]);
}

#[test]
fn threads_do_not_change_attention() {
    let given = Given::<f32>::new(&PACKED);
    let size = PACKED.n * PACKED.queries * 3 * PACKED.heads * PACKED.dim;
    same_for_any_threads(size, |dx| attention_input_grad(&PACKED, given.x(), None, &given.dy, dx));
}
