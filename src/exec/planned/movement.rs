//! Elements moved, repeated and joined, nothing computed.

use super::lowering::{Kernel, Lowering, Site};
use crate::exec::Real;
use crate::graph::Operation;
use crate::graph::ops::{create, movement, tables};
use crate::kernels;

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        (&movement::RESHAPE, |_| Kernel::pointwise(|x, y| y.copy_from_slice(x[0]))),
        (&movement::PERMUTE, |site| {
            let (dims, axes) = (site.input(0), site.attrs.get_axes("axes"));
            Kernel::whole(move |x, y| kernels::permute(x[0], &dims, &axes, y))
        }),
        (&movement::BROADCAST_TO, |site| {
            let (dims, out) = (site.input(0), site.output.to_vec());
            Kernel::whole(move |x, y| kernels::broadcast_to(x[0], &dims, y, &out))
        }),
        (&movement::SLICE, |site| {
            let (dims, axis) = (site.input(0), site.attrs.get_usize("axis"));
            let (start, length) = (site.dim("start"), site.dim("length"));
            Kernel::whole(move |x, y| kernels::slice(x[0], &dims, axis, start, 1, length, y))
        }),
        (&movement::PAD, |site| {
            let (dims, axis) = (site.input(0), site.attrs.get_usize("axis"));
            let (before, after) = (site.dim("before"), site.dim("after"));
            Kernel::whole(move |x, y| kernels::pad(x[0], &dims, axis, before, after, T::ZERO, y))
        }),
        (&movement::CONCAT, concat),
        (&tables::RESAMPLING, |site| table(&tables::RESAMPLING, site)),
        (&tables::SINCOS, |site| table(&tables::SINCOS, site)),
        (&tables::RELATIVE, |site| table(&tables::RELATIVE, site)),
        (&create::ARANGE, |_| {
            Kernel::whole(|_, y| y.iter_mut().enumerate().for_each(|(i, y)| *y = T::from_f64(i as f64)))
        }),
    ]
}

/// Numbers that follow from sizes alone.
fn table<T: Real>(op: &Operation, site: &Site) -> Kernel<T> {
    let numbers: Vec<T> = tables::table(op, site.attrs).into_iter().map(T::from_f64).collect();
    Kernel::whole(move |_, y| y.copy_from_slice(&numbers))
}

fn concat<T: Real>(site: &Site) -> Kernel<T> {
    let dims: Vec<Vec<usize>> = (0..site.inputs.len()).map(|i| site.input(i)).collect();
    let axis = site.attrs.get_usize("axis");
    Kernel::whole(move |x, y| {
        let parts: Vec<(&[T], &[usize])> = x.iter().copied().zip(dims.iter().map(Vec::as_slice)).collect();
        kernels::concat(&parts, axis, y);
    })
}
