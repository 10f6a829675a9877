//! Sums, extremes and running sums over dimensions.

use super::lowering::{Kernel, Lowering, Site};
use crate::exec::Real;
use crate::kernels::{self, Reduce};

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        ("reduce_sum", |site| reduce(site, Reduce::Sum)),
        ("reduce_max", |site| reduce(site, Reduce::Max)),
        ("reduce_min", |site| reduce(site, Reduce::Min)),
        ("argmax", |site| {
            let (dims, axis) = (site.input(0), site.attrs.get_usize("axis"));
            Kernel::whole(move |x, y| kernels::argmax(x[0], &dims, axis, y))
        }),
        ("cumsum", |site| {
            let (dims, axis, reverse) = (site.input(0), site.attrs.get_usize("axis"), site.attrs.get_bool("reverse"));
            Kernel::whole(move |x, y| kernels::cumsum(x[0], &dims, axis, reverse, y))
        }),
    ]
}

fn reduce<T: Real>(site: &Site, op: Reduce) -> Kernel<T> {
    let (dims, axes) = (site.input(0), site.attrs.get_axes("axes"));
    Kernel::whole(move |x, y| kernels::reduce(op, x[0], &dims, &axes, y))
}
