//! A product of matrices with what follows it, a band of rows at a time, so that the rows are still near.
use super::elem::Elem;
use super::gemm::{Gemm, Layout, Panel, gemm, multiply};
use super::parallel;
use super::path::Path;
use super::unary::{Unary, unary_over};

/// The sizes of y = activation(A B + bias + residual), with A of `m` x `k`, B of `k` x `n` and y of contiguous `m` x `n`.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    /// Rows of A and y.
    pub m: usize,
    /// Columns of B and y.
    pub n: usize,
    /// Columns of A, rows of B.
    pub k: usize,
    /// Where A lies.
    pub a: Layout,
    /// Where B lies.
    pub b: Layout,
    /// What comes last.
    pub activation: Activation,
}

/// A function of each element after a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The element itself.
    None,
    /// max(x, 0).
    Relu,
    /// x Φ(x).
    Gelu,
}

/// Elements of y in one band, and the rows it has at least: with fewer, B is read too often.
const BAND: usize = 1 << 17;
const ROWS: usize = 128;

/// y = activation(A B + bias + residual); the bias is one row, the residual as large as y.
pub fn linear<T: Elem>(l: &Linear, a: &[T], b: &[T], bias: &[T], residual: Option<&[T]>, y: &mut [T]) {
    assert_eq!(y.len(), l.m * l.n, "a result of the product's size");
    assert_eq!(bias.len(), l.n, "a bias for every column");
    let rows = (BAND / l.n.max(1)).max(ROWS);
    let start = |at: usize, y: &mut [T]| {
        match residual {
            Some(residual) => y.copy_from_slice(&residual[at..at + y.len()]),
            None => y.fill(T::ZERO),
        }
        for row in y.chunks_exact_mut(l.n) {
            row.iter_mut().zip(bias).for_each(|(y, &b)| *y += b);
        }
    };
    if l.m < 4 * rows {
        parallel::rows(y, l.n, |first, y| start(first * l.n, y));
        let sizes = Gemm { batch: 1, m: l.m, n: l.n, k: l.k, a: l.a, b: l.b, c: Layout::row_major(l.m, l.n) };
        gemm(&sizes, T::ONE, a, b, T::ONE, y);
        return parallel::chunks(y, parallel::CHUNK, |_, y| l.activation.over(y));
    }
    parallel::chunks(y, rows * l.n, |at, y| {
        start(at, y);
        let (left, right) = (Panel { start: 0, layout: l.a }.down(at / l.n), Panel { start: 0, layout: l.b });
        let sizes = [y.len() / l.n, l.n, l.k];
        multiply(sizes, (a, left), (b, right), T::ONE, (&mut *y, Panel::plain(l.n)));
        l.activation.over(y);
    });
}

impl Activation {
    fn over<T: Elem>(self, y: &mut [T]) {
        match self {
            Activation::None => {}
            Activation::Relu => unary_over(Path::current(), Unary::Relu, y),
            Activation::Gelu => unary_over(Path::current(), Unary::Gelu, y),
        }
    }
}
