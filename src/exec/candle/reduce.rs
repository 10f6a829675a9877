//! Sums, extremes, running sums and softmax.

use super::lowering::Lower;
use crate::exec::site::Site;
use crate::graph::Operation;
use crate::graph::ops::{reduce, softmax};
use candle_core::{D, DType, Result, Tensor};

/// Every operation of this family.
pub const LOWERINGS: &[(&Operation, Lower)] = &[
    (&reduce::REDUCE_SUM, |site, x, _| x[0].sum_keepdim(site.attrs.get_axes("axes"))?.reshape(site.output)),
    (&reduce::REDUCE_MAX, |site, x, _| largest(site, &x[0])),
    (&reduce::REDUCE_MIN, |site, x, _| largest(site, &x[0].neg()?)?.neg()),
    (&reduce::ARGMAX, |site, x, _| {
        let axis = site.attrs.get_usize("axis");
        ranked(&x[0])?.argmax_keepdim(axis)?.reshape(site.output)?.to_dtype(x[0].dtype())
    }),
    (&reduce::CUMSUM, |site, x, _| cumsum(&x[0], site.attrs.get_usize("axis"), site.attrs.get_bool("reverse"))),
    (&softmax::SOFTMAX, |_, x, _| {
        let powers = shifted(&x[0])?.exp()?;
        powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)
    }),
    (&softmax::LOG_SOFTMAX, |_, x, _| {
        let shifted = shifted(&x[0])?;
        shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(D::Minus1)?.log()?)
    }),
    // An infinity cannot be subtracted, and need not be.
    (&softmax::LOGSUMEXP, |site, x, _| {
        let top = x[0].detach().max_keepdim(D::Minus1)?;
        let infinite = top.abs()?.eq(f64::INFINITY)?;
        let top = infinite.where_cond(&top.zeros_like()?, &top)?;
        let sum = x[0].broadcast_sub(&top)?.exp()?.sum_keepdim(D::Minus1)?;
        (sum.log()? + top)?.reshape(site.output)
    }),
];

/// Slice by slice; candle's own is a product of matrices, in which an infinity spoils every sum.
fn cumsum(x: &Tensor, axis: usize, reverse: bool) -> Result<Tensor> {
    let mut sums: Vec<Tensor> = Vec::new();
    for step in 0..x.dim(axis)? {
        let at = if reverse { x.dim(axis)? - 1 - step } else { step };
        let slice = x.narrow(axis, at, 1)?;
        sums.push(match sums.last() {
            Some(before) => (before + slice)?,
            None => slice,
        });
    }
    if reverse {
        sums.reverse();
    }
    Tensor::cat(&sums, axis)
}

/// Rows less their largest element.
fn shifted(x: &Tensor) -> Result<Tensor> {
    x.broadcast_sub(&x.detach().max_keepdim(D::Minus1)?)
}

/// The largest element over the axes; the gradient goes to the first, not to all of them as by candle's own.
fn largest(site: &Site, x: &Tensor) -> Result<Tensor> {
    let axes = site.attrs.get_axes("axes");
    let kept = (0..x.rank()).filter(|a| !axes.contains(a));
    let order: Vec<usize> = kept.chain(axes.iter().copied()).collect();
    let joined: usize = axes.iter().map(|&a| x.dims()[a]).product();
    let rows = x.permute(order)?.contiguous()?.reshape(((), joined))?;
    let first = ranked(&rows)?.argmax_keepdim(1)?;
    rows.gather(&first, 1)?.reshape(site.output)
}

/// The same order with NaN as the largest, which candle's comparisons pass over.
pub fn ranked(x: &Tensor) -> Result<Tensor> {
    let x = x.detach().contiguous()?;
    let largest = if x.dtype() == DType::F64 { f64::MAX } else { f64::from(f32::MAX) };
    let infinity = (x.ones_like()? * f64::INFINITY)?;
    x.ne(&x)?.where_cond(&infinity, &x.minimum(largest)?)
}
