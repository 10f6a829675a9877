//! Sums, extremes and running sums over dimensions.

use super::lowering::{Kernel, Lowering, Site};
use crate::exec::Real;
use crate::graph::ops::reduce;
use crate::kernels::{self, Reduce};

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        (&reduce::REDUCE_SUM, |site| reduce(site, Reduce::Sum)),
        (&reduce::REDUCE_MAX, |site| reduce(site, Reduce::Max)),
        (&reduce::REDUCE_MIN, |site| reduce(site, Reduce::Min)),
        (&reduce::ARGMAX, |site| {
            let (dims, axis) = (site.input(0), site.attrs.get_usize("axis"));
            Kernel::whole(move |x, y| kernels::argmax(x[0], &dims, axis, y))
        }),
        (&reduce::CUMSUM, |site| {
            let (dims, axis, reverse) = (site.input(0), site.attrs.get_usize("axis"), site.attrs.get_bool("reverse"));
            Kernel::whole(move |x, y| kernels::cumsum(x[0], &dims, axis, reverse, y))
        }),
    ]
}

fn reduce<T: Real>(site: &Site, op: Reduce) -> Kernel<T> {
    let (dims, axes) = (site.input(0), site.attrs.get_axes("axes"));
    Kernel::whole(move |x, y| kernels::reduce(op, x[0], &dims, &axes, y))
}
