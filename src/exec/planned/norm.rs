//! Batch and layer normalisation.

use super::lowering::{Kernel, Lowering, Site};
use crate::exec::Real;
use crate::graph::ops::norm;
use crate::kernels::{self, BatchNorm};

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        (&norm::CHANNEL_STATS, |_| {
            Kernel::whole(|x, stats| {
                let (mean, var) = stats.split_at_mut(stats.len() / 2);
                kernels::channel_stats(x[0], mean, var);
            })
        }),
        (&norm::BATCH_NORM, |site| {
            let eps = site.attrs.get_float("eps");
            Kernel::whole(move |x, y| kernels::batch_norm_forward(&norm(x[1], x.get(2), x.get(3), eps), x[0], y))
        }),
        (&norm::BATCH_NORM_PARAM_GRAD, |site| {
            let eps = site.attrs.get_float("eps");
            Kernel::whole(move |x, pair| {
                let (dgamma, dbeta) = pair.split_at_mut(pair.len() / 2);
                kernels::batch_norm_param_grad(&norm(x[1], None, None, eps), x[0], x[2], dgamma, dbeta);
            })
        }),
        (&norm::BATCH_NORM_INPUT_GRAD, |site| {
            let (eps, count) = (site.attrs.get_float("eps"), site.dim("count"));
            Kernel::whole(move |x, dx| {
                let (dgamma, dbeta) = x[3].split_at(x[3].len() / 2);
                let norm = norm(x[1], x.get(4), None, eps);
                kernels::batch_norm_input_grad(&norm, count, x[0], x[2], [dgamma, dbeta], dx);
            })
        }),
        (&norm::RUNNING_AVERAGE, running_average),
        (&norm::LAYER_NORM, |site| {
            let (c, eps) = (columns(site), site.attrs.get_float("eps"));
            Kernel::whole(move |x, y| {
                kernels::layer_norm_forward(x[0], c, (x.len() == 3).then(|| [x[1], x[2]]), eps, y);
            })
        }),
        (&norm::LAYER_NORM_INPUT_GRAD, |site| {
            let (c, eps) = (columns(site), site.attrs.get_float("eps"));
            Kernel::whole(move |x, dx| kernels::layer_norm_input_grad(x[0], c, x.get(2).copied(), eps, x[1], dx))
        }),
        (&norm::LAYER_NORM_PARAM_GRAD, |site| {
            let eps = site.attrs.get_float("eps");
            Kernel::whole(move |x, pair| {
                let (dgamma, dbeta) = pair.split_at_mut(pair.len() / 2);
                kernels::layer_norm_param_grad(x[0], eps, x[1], dgamma, dbeta);
            })
        }),
    ]
}

/// The statistics `[2, C]` with scale and shift.
pub(super) fn norm<'a, T: Real>(
    stats: &'a [T],
    gamma: Option<&&'a [T]>,
    beta: Option<&&'a [T]>,
    eps: f64,
) -> BatchNorm<'a, T> {
    let (mean, var) = stats.split_at(stats.len() / 2);
    BatchNorm { mean, var, gamma: gamma.copied(), beta: beta.copied(), eps }
}

fn running_average<T: Real>(site: &Site) -> Kernel<T> {
    let (momentum, row) = (site.attrs.get_float("momentum"), site.attrs.get_usize("row"));
    let count = site.dim("count") as f64;
    let factor = if row == 1 { momentum * count / (count - 1.0).max(1.0) } else { momentum };
    let (stays, factor) = (T::from_f64(1.0 - momentum), T::from_f64(factor));
    Kernel::whole(move |x, y| {
        let new = &x[1][row * y.len()..];
        y.iter_mut().zip(x[0]).zip(new).for_each(|((y, &old), &new)| *y = stays * old + factor * new);
    })
}

/// The last dimension of the first input.
fn columns(site: &Site) -> usize {
    site.inputs[0].last().copied().unwrap_or(1)
}
