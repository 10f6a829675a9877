//! Linear algebra, composed column by column and row by row.

use super::lowering::Lower;
use crate::exec::Real;
use crate::graph::Operation;
use crate::graph::ops::linalg;
use crate::kernels;
use candle_core::{DType, Device, Result, Tensor, bail};

/// Every operation of this family.
pub const LOWERINGS: &[(&Operation, Lower)] = &[
    (&linalg::CHOLESKY, |site, x, _| cholesky(&batch(&x[0])?)?.reshape(site.output)),
    (&linalg::TRIANGULAR_SOLVE, |site, x, _| {
        let (a, b) = (batch(&x[0])?, batch(&x[1])?);
        let transpose = site.attrs.get_bool("transpose");
        let a = if transpose { a.t()?.contiguous()? } else { a };
        solve(&a, &b, site.attrs.get_bool("upper") != transpose)?.reshape(site.output)
    }),
    (&linalg::TRIANGLE, |site, x, _| {
        let (upper, diagonal) = (site.attrs.get_bool("upper"), site.attrs.get_float("diagonal"));
        let n = site.output[site.output.len() - 1];
        let weight = |i: usize, j: usize| match (i == j, (j > i) == upper) {
            (true, _) => diagonal,
            (false, inside) => f64::from(u8::from(inside)),
        };
        let weights: Vec<f64> = (0..n * n).map(|at| weight(at / n, at % n)).collect();
        x[0].broadcast_mul(&Tensor::from_vec(weights, (n, n), &Device::Cpu)?.to_dtype(x[0].dtype())?)
    }),
    (&linalg::SINGULAR_VALUES, |site, x, _| singular_values(&batch(&x[0])?)?.reshape(site.output)),
    (&linalg::NUCLEAR_NORM, |site, x, _| singular_values(&batch(&x[0])?)?.sum(1)?.reshape(site.output)),
];

/// Matrices `[.., m, n]` as `[B, m, n]`.
fn batch(x: &Tensor) -> Result<Tensor> {
    let dims = x.dims();
    x.reshape(((), dims[dims.len() - 2], dims[dims.len() - 1]))
}

/// Column by column: `l_j = (a_j - l l_jᵀ) / sqrt(pivot)`. Only the lower triangle is read, and the gradient is symmetric.
fn cholesky(a: &Tensor) -> Result<Tensor> {
    let even = ((a + a.t()?)? * 0.5)?;
    let a = (lower(&a.detach())? + (&even - even.detach())?)?;
    let n = a.dim(1)?;
    let mut columns: Vec<Tensor> = Vec::new();
    for j in 0..n {
        let mut column = a.narrow(1, j, n - j)?.narrow(2, j, 1)?.contiguous()?;
        if j > 0 {
            let done = Tensor::cat(&columns, 2)?.narrow(1, j, n - j)?.contiguous()?;
            let row = done.narrow(1, 0, 1)?.t()?.contiguous()?;
            column = (column - done.matmul(&row)?)?;
        }
        let pivot = column.narrow(1, 0, 1)?;
        let smallest = smallest(&pivot)?;
        if smallest <= 0.0 || smallest.is_nan() {
            bail!("a matrix is not positive definite (pivot {j})");
        }
        columns.push(column.broadcast_div(&pivot.sqrt()?)?.pad_with_zeros(1, j, 0)?);
    }
    Tensor::cat(&columns, 2)
}

/// The symmetric matrices of these lower triangles.
fn lower(a: &Tensor) -> Result<Tensor> {
    let n = a.dim(1)?;
    let below: Vec<u8> = (0..n * n).map(|at| u8::from(at % n <= at / n)).collect();
    let below = Tensor::from_vec(below, (1, n, n), &Device::Cpu)?.broadcast_as(a.shape())?;
    below.where_cond(&a.contiguous()?, &a.t()?.contiguous()?)
}

/// The smallest number, or NaN.
fn smallest(x: &Tensor) -> Result<f64> {
    let all = x.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
    Ok(all.into_iter().fold(f64::INFINITY, |a, b| if b < a || b.is_nan() { b } else { a }))
}

/// Row by row, the first row first for a lower triangle, the last first for an upper.
fn solve(a: &Tensor, b: &Tensor, upper: bool) -> Result<Tensor> {
    let n = a.dim(1)?;
    let mut rows: Vec<Tensor> = Vec::new();
    for step in 0..n {
        let i = if upper { n - 1 - step } else { step };
        let mut row = b.narrow(1, i, 1)?.contiguous()?;
        if step > 0 {
            let from = if upper { i + 1 } else { 0 };
            let weights = a.narrow(1, i, 1)?.narrow(2, from, step)?.contiguous()?;
            row = (row - weights.matmul(&Tensor::cat(&rows, 1)?)?)?;
        }
        let row = row.broadcast_div(&a.narrow(1, i, 1)?.narrow(2, i, 1)?)?;
        rows.insert(if upper { 0 } else { rows.len() }, row);
    }
    Tensor::cat(&rows, 1)
}

/// `diag(uᵀ a v)` with the singular vectors held fixed, which has the value and the gradient of the singular values.
fn singular_values(a: &Tensor) -> Result<Tensor> {
    let (u, v) = if a.dtype() == DType::F64 { vectors::<f64>(a)? } else { vectors::<f32>(a)? };
    (u * a.matmul(&v)?)?.sum(1)
}

/// Left and right singular vectors `[B, m, k]` and `[B, n, k]`.
fn vectors<T: Real>(a: &Tensor) -> Result<(Tensor, Tensor)> {
    let (batch, m, n) = a.dims3()?;
    let k = m.min(n);
    let fixed = T::numbers(a)?;
    let (mut u, mut v) = (vec![T::ZERO; batch * m * k], vec![T::ZERO; batch * n * k]);
    let mut s = vec![T::ZERO; k];
    let parts = fixed.chunks(m * n).zip(u.chunks_mut(m * k)).zip(v.chunks_mut(n * k));
    parts.for_each(|((a, u), v)| kernels::svd(a, m, n, u, &mut s, v));
    Ok((T::tensor(&u, (batch, m, k))?, T::tensor(&v, (batch, n, k))?))
}
