//! Attention, composed.

use super::lowering::Lower;
use crate::graph::Operation;
use crate::graph::ops::attention;
use candle_core::{D, Result, Tensor};

/// Every operation of this family.
pub const LOWERINGS: &[(&Operation, Lower)] = &[(&attention::ATTENTION, |site, x, _| {
    let (heads, packed) = (site.attrs.get_usize("heads"), site.attrs.get_bool("packed"));
    let width = site.output[2];
    let [q, k, v] = match packed {
        true => [0, 1, 2].map(|i| x[0].narrow(2, i * width, width)),
        false => [0, 1, 2].map(|i| Ok(x[i].clone())),
    };
    let [q, k, v] = [apart(&q?, heads)?, apart(&k?, heads)?, apart(&v?, heads)?];
    let scores = (q.matmul(&k.t()?.contiguous()?)? / ((width / heads) as f64).sqrt())?;
    let scores = match x.get(if packed { 1 } else { 3 }) {
        Some(bias) => scores.broadcast_add(bias)?,
        None => scores,
    };
    let powers = scores.broadcast_sub(&scores.detach().max_keepdim(D::Minus1)?)?.exp()?;
    let weights = powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)?;
    weights.matmul(&v)?.transpose(1, 2)?.contiguous()?.reshape(site.output)
})];

/// `[N, T, D] -> [N, heads, T, D / heads]`
fn apart(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (n, t, d) = x.dims3()?;
    x.contiguous()?.reshape((n, t, heads, d / heads))?.transpose(1, 2)?.contiguous()
}
