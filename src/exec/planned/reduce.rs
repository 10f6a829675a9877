//! Sums, extremes and running sums over dimensions.

use super::lowering::{Kernel, Lowering, Site};
use crate::exec::Real;
use crate::kernels::{self, Reduce};

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        ("reduce_sum", |site| {
            let (dims, axes) = (site.input(0), site.attrs.get_axes("axes"));
            Kernel::whole(move |x, y| kernels::reduce(Reduce::Sum, x[0], &dims, &axes, y))
        }),
        ("reduce_max", |site| extremes(site, Reduce::Max)),
        ("reduce_min", |site| extremes(site, Reduce::Min)),
        ("argmax", |site| {
            let (dims, axis) = (site.input(0), site.attrs.get_usize("axis"));
            extreme(site, &[axis], move |x, y| kernels::argmax(x, &dims, axis, y))
        }),
        ("cumsum", |site| {
            let (dims, axis, reverse) = (site.input(0), site.attrs.get_usize("axis"), site.attrs.get_bool("reverse"));
            Kernel::whole(move |x, y| kernels::cumsum(x[0], &dims, axis, reverse, y))
        }),
    ]
}

fn extremes<T: Real>(site: &Site, op: Reduce) -> Kernel<T> {
    let (dims, axes) = (site.input(0), site.attrs.get_axes("axes"));
    extreme(site, &axes.clone(), move |x, y| kernels::reduce(op, x, &dims, &axes, y))
}

/// A kernel that looks for extremes over `axes`, if there are any.
fn extreme<T: Real>(site: &Site, axes: &[usize], mut find: impl FnMut(&[T], &mut [T]) + Send + 'static) -> Kernel<T> {
    let possible = site.extreme(axes);
    Kernel::fallible(move |x, y| {
        possible.clone()?;
        find(x[0], y);
        Ok(())
    })
}
