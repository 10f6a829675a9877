//! Sums, extremes, running sums and softmax.

use super::lowering::Lower;
use crate::exec::site::Site;
use candle_core::{D, Result, Tensor};

/// Every operation of this family.
pub const LOWERINGS: &[(&str, Lower)] = &[
    ("reduce_sum", |site, x, _| x[0].sum_keepdim(site.attrs.get_axes("axes"))?.reshape(site.output)),
    ("reduce_max", |site, x, _| largest(site, &x[0])),
    ("reduce_min", |site, x, _| largest(site, &x[0].neg()?)?.neg()),
    ("argmax", |site, x, _| {
        let found = x[0].detach().contiguous()?.argmax_keepdim(site.attrs.get_usize("axis"))?;
        found.reshape(site.output)?.to_dtype(x[0].dtype())
    }),
    ("cumsum", |site, x, _| {
        let axis = site.attrs.get_usize("axis");
        if site.attrs.get_bool("reverse") {
            return x[0].flip(&[axis])?.cumsum(axis)?.contiguous()?.flip(&[axis]);
        }
        x[0].cumsum(axis)
    }),
    ("softmax", |_, x, _| {
        let powers = shifted(&x[0])?.exp()?;
        powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)
    }),
    ("log_softmax", |_, x, _| {
        let shifted = shifted(&x[0])?;
        shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(D::Minus1)?.log()?)
    }),
    ("logsumexp", |_, x, _| {
        let max = x[0].detach().max(D::Minus1)?;
        shifted(&x[0])?.exp()?.sum(D::Minus1)?.log()? + max
    }),
];

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
    let first = rows.detach().argmax_keepdim(1)?;
    rows.gather(&first, 1)?.reshape(site.output)
}
