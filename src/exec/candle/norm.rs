//! Batch and layer normalisation, composed.

use super::lowering::Lower;
use crate::graph::Operation;
use crate::graph::ops::norm;
use candle_core::{D, Result, Tensor};

/// Every operation of this family.
pub const LOWERINGS: &[(&Operation, Lower)] = &[
    (&norm::CHANNEL_STATS, |_, x, _| {
        let (mean, var) = moments(&x[0].detach())?;
        Tensor::stack(&[mean, var], 0)
    }),
    (&norm::BATCH_NORM, |site, x, _| {
        let (mean, var) = match site.attrs.get_bool("frozen") {
            true => (x[1].detach().get(0)?, x[1].detach().get(1)?),
            false => moments(&x[0])?,
        };
        let deviation = (var + site.attrs.get_float("eps"))?.sqrt()?;
        affine(x[0].broadcast_sub(&mean)?.broadcast_div(&deviation)?, &x[2..])
    }),
    (&norm::RUNNING_AVERAGE, |site, x, _| {
        let (momentum, row) = (site.attrs.get_float("momentum"), site.attrs.get_usize("row"));
        let count = site.dim("count") as f64;
        let unbiased = if row == 1 { count / (count - 1.0).max(1.0) } else { 1.0 };
        (x[0].detach() * (1.0 - momentum))? + (x[1].detach().get(row)? * (momentum * unbiased))?
    }),
    (&norm::LAYER_NORM, |site, x, _| {
        let centred = x[0].broadcast_sub(&x[0].mean_keepdim(D::Minus1)?)?;
        let var = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let deviation = (var + site.attrs.get_float("eps"))?.sqrt()?;
        affine(centred.broadcast_div(&deviation)?, &x[1..])
    }),
];

/// Mean and biased variance of each channel of `[.., C]`.
fn moments(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let rows = x.flatten_to(x.rank() - 2)?;
    let mean = rows.mean(0)?;
    let var = rows.broadcast_sub(&mean)?.sqr()?.mean(0)?;
    Ok((mean, var))
}

/// Scaled and shifted, where scale and shift are given.
fn affine(x: Tensor, by: &[Tensor]) -> Result<Tensor> {
    match by {
        [gamma, beta] => x.broadcast_mul(gamma)?.broadcast_add(beta),
        _ => Ok(x),
    }
}
