//! Assignment of samples to prototypes, composed.

use super::lowering::{Lower, Step};
use crate::exec::site::Site;
use crate::graph::Operation;
use crate::graph::ops::assign;
use crate::kernels::kmeans_start;
use candle_core::{D, DType, Device, Result, Tensor, bail};

/// Every operation of this family.
pub const LOWERINGS: &[(&Operation, Lower)] =
    &[(&assign::SINKHORN, |site, x, _| sinkhorn(site, &x[0])), (&assign::KMEANS, kmeans)];

/// In f64, all problems of a batch one by one.
fn sinkhorn(site: &Site, x: &Tensor) -> Result<Tensor> {
    let [.., rows, columns] = *site.output else { bail!("scores have two dimensions at least") };
    let scores = x.detach().to_dtype(DType::F64)?.reshape(((), rows, columns))?;
    let scores = if site.attrs.get_bool("probabilities") { scores.log()? } else { scores };
    let scores = (scores / site.attrs.get_float("epsilon"))?;
    let problems = (0..scores.dim(0)?).map(|i| balance(site, &scores.get(i)?)).collect::<Result<Vec<_>>>()?;
    Tensor::stack(&problems, 0)?.reshape(site.output)?.to_dtype(x.dtype())
}

fn balance(site: &Site, scores: &Tensor) -> Result<Tensor> {
    let (rows, columns) = scores.dims2()?;
    let (share, tolerance) = ((rows as f64 / columns as f64).ln(), site.attrs.get_float("tolerance"));
    let mut u = Tensor::zeros((rows, 1), DType::F64, &Device::Cpu)?;
    let mut v = Tensor::zeros((1, columns), DType::F64, &Device::Cpu)?;
    for iteration in 0..site.attrs.get_usize("iterations") {
        v = log_sum(&scores.broadcast_sub(&u)?, 0, share)?;
        let before = std::mem::replace(&mut u, log_sum(&scores.broadcast_sub(&v)?, 1, 0.0)?);
        let change = ((&u - before)?.exp()? - 1.0)?.abs()?.sum_all()?.to_scalar::<f64>()?;
        if iteration % 10 == 0 && change <= tolerance {
            break;
        }
    }
    scores.broadcast_sub(&u)?.broadcast_sub(&v)?.exp()
}

/// The logarithm of the sums less `share`; 0 where all is 0 and there is nothing to scale.
fn log_sum(x: &Tensor, dim: usize, share: f64) -> Result<Tensor> {
    let top = x.max_keepdim(dim)?;
    let (nothing, zero) = (top.eq(f64::NEG_INFINITY)?, top.zeros_like()?);
    let log = (x.broadcast_sub(&top)?.exp()?.sum_keepdim(dim)?.log()? + (top - share)?)?;
    nothing.where_cond(&zero, &log)
}

fn kmeans(site: &Site, x: &[Tensor], step: Step) -> Result<Tensor> {
    let (x, k, rows) = (x[0].detach(), site.output[0], site.inputs[0][0]);
    if rows < k {
        bail!("{rows} rows cannot make {k} clusters");
    }
    let start = kmeans_start(step.moment.stream(site.attrs.get_int("stream") as u64), site.dim("count"), k);
    let start: Vec<u32> = start.into_iter().map(|row| row as u32).collect();
    let mut centres = x.index_select(&Tensor::from_vec(start, k, &Device::Cpu)?, 0)?;
    let numbers = Tensor::arange(0u32, k as u32, &Device::Cpu)?;
    for _ in 0..site.attrs.get_usize("iterations") {
        let nearest = x.matmul(&centres.t()?)?.argmax_keepdim(D::Minus1)?;
        let members = nearest.broadcast_eq(&numbers)?.to_dtype(x.dtype())?.t()?.contiguous()?;
        let sums = members.matmul(&x)?;
        let length = sums.sqr()?.sum_keepdim(1)?.sqrt()?.maximum(1e-12)?;
        let used = members.sum_keepdim(1)?.gt(0.0)?.broadcast_as(sums.shape())?;
        centres = used.where_cond(&sums.broadcast_div(&length)?, &centres)?;
    }
    Ok(centres)
}
