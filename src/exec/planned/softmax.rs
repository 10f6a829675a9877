//! Softmax and its relatives over the last dimension.

use super::lowering::{Kernel, Lowering, Site};
use crate::exec::Real;
use crate::graph::ops::softmax;
use crate::kernels;

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        (&softmax::SOFTMAX, |site| {
            let c = columns(site);
            Kernel::whole(move |x, y| kernels::softmax(x[0], c, y))
        }),
        (&softmax::SOFTMAX_GRAD, |site| {
            let c = columns(site);
            Kernel::whole(move |x, dx| kernels::softmax_grad(x[0], x[1], c, dx))
        }),
        (&softmax::LOG_SOFTMAX, |site| {
            let c = columns(site);
            Kernel::whole(move |x, y| kernels::log_softmax(x[0], c, y))
        }),
        (&softmax::LOG_SOFTMAX_GRAD, |site| {
            let c = columns(site);
            Kernel::whole(move |x, dx| kernels::log_softmax_grad(x[0], x[1], c, dx))
        }),
        (&softmax::LOGSUMEXP, |site| {
            let c = columns(site);
            Kernel::whole(move |x, y| kernels::logsumexp(x[0], c, y))
        }),
    ]
}

fn columns(site: &Site) -> usize {
    site.inputs[0].last().copied().unwrap_or(1)
}
