//! Shapes changed, elements moved, chosen and multiplied.

use super::lowering::{Lower, Step};
use super::reduce::ranked;
use crate::exec::site::Site;
use crate::graph::Operation;
use crate::graph::ops::{create, index, matmul, movement, tables, tokens};
use crate::kernels;
use candle_core::{DType, Device, Result, Tensor, bail};

/// Every operation of this family.
pub const LOWERINGS: &[(&Operation, Lower)] = &[
    (&movement::RESHAPE, |site, x, _| x[0].reshape(site.output)),
    (&movement::PERMUTE, |site, x, _| x[0].permute(site.attrs.get_axes("axes"))),
    // Repeated once, a dimension would keep steps of 0, which candle's reductions divide by.
    (&movement::BROADCAST_TO, |site, x, _| match site.output.iter().product::<usize>() == x[0].elem_count() {
        true => x[0].reshape(site.output),
        false => x[0].broadcast_as(site.output),
    }),
    (&movement::SLICE, |site, x, _| x[0].narrow(site.attrs.get_usize("axis"), site.dim("start"), site.dim("length"))),
    (&movement::PAD, |site, x, _| {
        x[0].pad_with_zeros(site.attrs.get_usize("axis"), site.dim("before"), site.dim("after"))
    }),
    (&movement::CONCAT, |site, x, _| Tensor::cat(x, site.attrs.get_usize("axis"))),
    (&create::ARANGE, |site, _, step| {
        let numbers: Vec<f64> = (0..site.output[0]).map(|i| i as f64).collect();
        Tensor::from_vec(numbers, site.output, &Device::Cpu)?.to_dtype(step.dtype)
    }),
    (&tables::RESAMPLING, |site, _, step| table(&tables::RESAMPLING, site, step)),
    (&tables::SINCOS, |site, _, step| table(&tables::SINCOS, site, step)),
    (&tables::RELATIVE, |site, _, step| table(&tables::RELATIVE, site, step)),
    (&index::GATHER, |site, x, _| {
        let axis = site.attrs.get_usize("axis");
        x[0].gather(&index(&x[1], x[0].dims()[axis])?, axis)
    }),
    (&index::SCATTER_ADD, |site, x, _| scatter_add(&x[0], &x[1], site.attrs.get_usize("axis"), site.dim("length"))),
    (&tokens::TAKE, |_, x, _| take(&x[0], &x[1])),
    (&tokens::PLACE, |site, x, _| {
        let rows = rows(&x[0])?;
        let to = x[1].detach().unsqueeze(2)?.broadcast_as(rows.shape())?;
        scatter_add(&to, &rows, 1, site.dim("length"))?.contiguous()?.reshape(site.output)
    }),
    (&index::ARGSORT, |site, x, _| {
        let (axis, last) = (site.attrs.get_usize("axis"), x[0].rank() - 1);
        let moved = ranked(&x[0])?.transpose(axis, last)?.contiguous()?;
        let order = moved.arg_sort_last_dim(!site.attrs.get_bool("descending"))?;
        order.transpose(axis, last)?.contiguous()?.to_dtype(x[0].dtype())
    }),
    (&matmul::MATMUL, |site, x, _| {
        let (a, b) = (turned(&x[0], site.attrs.get_bool("ta"))?, turned(&x[1], site.attrs.get_bool("tb"))?);
        a.broadcast_matmul(&b)
    }),
];

/// Numbers that follow from sizes alone.
fn table(op: &Operation, site: &Site, step: Step) -> Result<Tensor> {
    Tensor::from_vec(tables::table(op, site.attrs), site.output, &Device::Cpu)?.to_dtype(step.dtype)
}

/// Positions of an axis of that size.
fn index(x: &Tensor, size: usize) -> Result<Tensor> {
    let numbers = x.detach().flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
    if let Err(bad) = kernels::check_indices(&numbers, size) {
        bail!("{bad}");
    }
    x.detach().to_dtype(DType::U32)?.contiguous()
}

/// `[N, T, ..]` as `[N, T, D]`.
fn rows(x: &Tensor) -> Result<Tensor> {
    x.reshape((x.dim(0)?, x.dim(1)?, ()))
}

/// The rows of each sample that its indices name.
fn take(x: &Tensor, indices: &Tensor) -> Result<Tensor> {
    let (n, m) = indices.dims2()?;
    let rows = rows(x)?;
    let from = index(indices, x.dim(1)?)?.unsqueeze(2)?.broadcast_as((n, m, rows.dim(2)?))?.contiguous()?;
    let chosen = rows.gather(&from, 1)?;
    chosen.reshape([&[n, m], &x.dims()[2..]].concat())
}

/// A matrix, taken transposed if so told.
fn turned(x: &Tensor, transposed: bool) -> Result<Tensor> {
    if transposed { x.t()?.contiguous() } else { Ok(x.clone()) }
}

/// Each element in a row of zeros, in the place where it goes, and these rows summed; candle's own has no right gradient for
/// results of another size.
fn scatter_add(to: &Tensor, x: &Tensor, axis: usize, length: usize) -> Result<Tensor> {
    let last = x.rank() - 1;
    let wide = |x: &Tensor| x.transpose(axis, last)?.contiguous()?.unsqueeze(last + 1);
    let places = Tensor::arange(0u32, length as u32, &Device::Cpu)?;
    let goes = wide(&index(to, length)?)?.broadcast_eq(&places)?;
    let rows = wide(x)?.broadcast_as(goes.shape())?.contiguous()?;
    goes.where_cond(&rows, &rows.zeros_like()?)?.sum(last)?.transpose(axis, last)
}
