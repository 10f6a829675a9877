//! Random tensors, the same as the planned engine draws.

use super::lowering::{Lower, Step};
use crate::exec::site::Site;
use crate::graph::Operation;
use crate::graph::ops::random;
use crate::kernels;
use candle_core::{Device, Result, Tensor};

/// Every operation of this family.
pub const LOWERINGS: &[(&Operation, Lower)] = &[
    (&random::RANDN, |site, _, step| drawn(site, step, kernels::randn)),
    (&random::RAND, |site, _, step| drawn(site, step, kernels::uniform)),
    (&random::DROPOUT_MASK, |site, _, step| {
        let p = site.attrs.get_float("p");
        let kept = drawn(site, step, kernels::uniform)?.ge(p)?;
        kept.to_dtype(step.dtype)? * (1.0 / (1.0 - p))
    }),
];

fn drawn(site: &Site, step: Step, draw: fn(u64, u64, &mut [f64])) -> Result<Tensor> {
    let mut numbers = vec![0.0; site.output.iter().product()];
    let rows = site.attrs.get_bool("by_sample").then(|| site.output[0]);
    step.moment.draw(site.attrs.get_int("stream") as u64, rows, &mut numbers, draw);
    Tensor::from_vec(numbers, site.output, &Device::Cpu)?.to_dtype(step.dtype)
}
