//! A product of matrices with what follows it, done to rows of the result while they are near.
use super::elem::Elem;
use super::gemm::{Gemm, Layout, gemm, gemm_then};
use super::parallel;
use super::path::{Path, multiversion};
use super::unary::{gelu, relu};

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

/// y = activation(A B + bias + residual); the bias is one row, the residual as large as y.
pub fn linear<T: Elem>(l: &Linear, a: &[T], b: &[T], bias: &[T], residual: Option<&[T]>, y: &mut [T]) {
    assert_eq!(y.len(), l.m * l.n, "a result of the product's size");
    assert_eq!(bias.len(), l.n, "a bias for every column");
    assert!(residual.is_none_or(|r| r.len() == y.len()), "a residual of the result's size");
    if y.is_empty() {
        return;
    }
    let path = Path::current();
    let g = Gemm { a: l.a, b: l.b, ..Gemm::new(1, l.m, l.n, l.k) };
    if let (Some(a), Some(b), Some(bias), Some(y)) = (T::as_f32(a), T::as_f32(b), T::as_f32(bias), T::as_f32_mut(y)) {
        let residual = residual.and_then(T::as_f32);
        return gemm_then(&g, a, b, y, &|first, y| {
            follow(path, l.activation, bias, residual.map(|r| &r[first * l.n..]), y)
        });
    }
    gemm(&g, a, b, y);
    parallel::rows(y, l.n, |first, y| follow(path, l.activation, bias, residual.map(|r| &r[first * l.n..]), y));
}

multiversion! {
    /// What follows the product, done to some rows of it; `residual` begins where they do.
    fn follow<const FMA: bool, T: Elem>(activation: Activation, bias: &[T], residual: Option<&[T]>, y: &mut [T]) {
        let n = bias.len();
        for (i, row) in y.chunks_exact_mut(n).enumerate() {
            match residual {
                None => row.iter_mut().zip(bias).for_each(|(y, &b)| *y += b),
                Some(r) => row.iter_mut().zip(bias).zip(&r[i * n..]).for_each(|((y, &b), &r)| *y += b + r),
            }
            match activation {
                Activation::None => {}
                Activation::Relu => row.iter_mut().for_each(|y| *y = relu(*y)),
                Activation::Gelu => row.iter_mut().for_each(|y| *y = gelu::<FMA, T>(*y)),
            }
        }
    }
}
