//! Batch and layer normalisation.

use super::lowering::{Kernel, Lowering, Site};
use crate::exec::Real;
use crate::kernels::{self, BatchNorm};

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        ("channel_stats", |_| {
            Kernel::whole(|x, stats| {
                let (mean, var) = stats.split_at_mut(stats.len() / 2);
                kernels::channel_stats(x[0], mean, var);
            })
        }),
        ("batch_norm", |site| {
            let eps = site.attrs.get_float("eps");
            Kernel::whole(move |x, y| kernels::batch_norm_forward(&norm(x[1], x.get(2), x.get(3), eps), x[0], y))
        }),
        ("batch_norm_param_grad", |site| {
            let eps = site.attrs.get_float("eps");
            Kernel::whole(move |x, pair| {
                let (dgamma, dbeta) = pair.split_at_mut(pair.len() / 2);
                kernels::batch_norm_param_grad(&norm(x[1], None, None, eps), x[0], x[2], dgamma, dbeta);
            })
        }),
        ("batch_norm_input_grad", |site| {
            let eps = site.attrs.get_float("eps");
            Kernel::whole(move |x, dx| {
                let (dgamma, dbeta) = x[3].split_at(x[3].len() / 2);
                kernels::batch_norm_input_grad(&norm(x[1], x.get(4), None, eps), x[0], x[2], dgamma, dbeta, dx);
            })
        }),
        ("running_average", running_average),
        ("layer_norm", layer_norm),
        ("layer_norm_input_grad", |site| {
            let mut rows = Rows::new(site);
            Kernel::whole(move |x, dx| {
                rows.measure(x[0], dx);
                kernels::layer_norm_input_grad(x[0], &rows.mean, &rows.rstd, x.get(2).copied(), x[1], dx);
            })
        }),
        ("layer_norm_param_grad", |site| {
            let mut rows = Rows::new(site);
            let mut normal = vec![T::ZERO; site.count(0)];
            Kernel::whole(move |x, pair| {
                rows.measure(x[0], &mut normal);
                let (dgamma, dbeta) = pair.split_at_mut(pair.len() / 2);
                kernels::layer_norm_param_grad(x[0], &rows.mean, &rows.rstd, x[1], dgamma, dbeta);
            })
        }),
    ]
}

/// The statistics `[2, C]` with scale and shift.
fn norm<'a, T: Real>(stats: &'a [T], gamma: Option<&&'a [T]>, beta: Option<&&'a [T]>, eps: f64) -> BatchNorm<'a, T> {
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

fn layer_norm<T: Real>(site: &Site) -> Kernel<T> {
    let mut rows = Rows::new(site);
    Kernel::whole(move |x, y| {
        let (gamma, beta) = (x.get(1).copied(), x.get(2).copied());
        kernels::layer_norm_forward(x[0], gamma, beta, rows.eps, y, &mut rows.mean, &mut rows.rstd);
    })
}

/// Mean and inverse deviation of each row.
struct Rows<T> {
    mean: Vec<T>,
    rstd: Vec<T>,
    eps: f64,
}

impl<T: Real> Rows<T> {
    fn new(site: &Site) -> Self {
        let rows = site.inputs[0].iter().rev().skip(1).product();
        Rows { mean: vec![T::ZERO; rows], rstd: vec![T::ZERO; rows], eps: site.attrs.get_float("eps") }
    }

    /// Measures the rows; what they become when normalised goes to `normal`.
    fn measure(&mut self, x: &[T], normal: &mut [T]) {
        kernels::layer_norm_forward(x, None, None, self.eps, normal, &mut self.mean, &mut self.rstd);
    }
}
