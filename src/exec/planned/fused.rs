//! Operations that do the work of several at once.

use super::lowering::{Kernel, Lowering, Site};
use super::norm::norm;
use crate::exec::Real;
use crate::graph::Attr;
use crate::graph::ops::fused;
use crate::kernels::{self, Activation, Layout, Linear};

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        (&fused::BATCH_NORM_RELU, |site| {
            let (eps, residual) = (site.attrs.get_float("eps"), site.attrs.get_bool("residual"));
            Kernel::whole(move |x, y| {
                let (residual, x) = x.split_last().filter(|_| residual).map_or((None, x), |(r, x)| (Some(*r), x));
                kernels::batch_norm_relu_forward(&norm(x[1], x.get(2), x.get(3), eps), x[0], residual, y);
            })
        }),
        (&fused::BATCH_NORM_RELU_PARAM_GRAD, |site| {
            let eps = site.attrs.get_float("eps");
            Kernel::whole(move |x, pair| {
                let (dgamma, dbeta) = pair.split_at_mut(pair.len() / 2);
                kernels::batch_norm_relu_param_grad(&norm(x[1], x.get(3), x.get(4), eps), x[0], x[2], dgamma, dbeta);
            })
        }),
        (&fused::BATCH_NORM_RELU_INPUT_GRAD, |site| {
            let (eps, count) = (site.attrs.get_float("eps"), site.dim("count"));
            Kernel::whole(move |x, dx| {
                let (dgamma, dbeta) = x[3].split_at(x[3].len() / 2);
                let norm = norm(x[1], x.get(4), x.get(5), eps);
                kernels::batch_norm_relu_input_grad(&norm, count, x[0], x[2], [dgamma, dbeta], dx);
            })
        }),
        (&fused::SUM_RELU_GRAD, |_| Kernel::pointwise(|x, dx| kernels::sum_relu_grad(x[0], x[1], x[2], dx))),
        (&fused::LINEAR, linear),
    ]
}

fn linear<T: Real>(site: &Site) -> Kernel<T> {
    let (a, b) = (site.inputs[0], site.inputs[1]);
    let layout = |dims: &[usize], transposed: bool| {
        let layout = Layout::row_major(dims[0], dims[1]);
        if transposed { layout.transposed() } else { layout }
    };
    let (ta, tb) = (site.attrs.get_bool("ta"), site.attrs.get_bool("tb"));
    let ([m, k], n) = (if ta { [a[1], a[0]] } else { [a[0], a[1]] }, site.output[site.output.len() - 1]);
    let activation = match site.attrs.get("activation") {
        Some(Attr::Text(name)) if name == "relu" => Activation::Relu,
        Some(Attr::Text(name)) if name == "gelu" => Activation::Gelu,
        _ => Activation::None,
    };
    let sizes = Linear { m, n, k, a: layout(a, ta), b: layout(b, tb), activation };
    Kernel::whole(move |x, y| kernels::linear(&sizes, x[0], x[1], x[2], x.get(3).copied(), y))
}
