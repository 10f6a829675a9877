//! Elements moved, repeated and joined, nothing computed.

use super::lowering::{Kernel, Lowering, Site};
use crate::exec::Real;
use crate::graph::ops::tables;
use crate::kernels;

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        ("reshape", |_| Kernel::pointwise(|x, y| y.copy_from_slice(x[0]))),
        ("permute", |site| {
            let (dims, axes) = (site.input(0), site.attrs.get_axes("axes"));
            Kernel::whole(move |x, y| kernels::permute(x[0], &dims, &axes, y))
        }),
        ("broadcast_to", |site| {
            let (dims, out) = (site.input(0), site.output.to_vec());
            Kernel::whole(move |x, y| kernels::broadcast_to(x[0], &dims, y, &out))
        }),
        ("slice", |site| {
            let (dims, axis) = (site.input(0), site.attrs.get_usize("axis"));
            let (start, length) = (site.dim("start"), site.dim("length"));
            Kernel::whole(move |x, y| kernels::slice(x[0], &dims, axis, start, 1, length, y))
        }),
        ("pad", |site| {
            let (dims, axis) = (site.input(0), site.attrs.get_usize("axis"));
            let (before, after) = (site.dim("before"), site.dim("after"));
            Kernel::whole(move |x, y| kernels::pad(x[0], &dims, axis, before, after, T::ZERO, y))
        }),
        ("concat", concat),
        ("resampling", |site| table("resampling", site)),
        ("sincos", |site| table("sincos", site)),
        ("relative", |site| table("relative", site)),
        ("arange", |_| Kernel::whole(|_, y| y.iter_mut().enumerate().for_each(|(i, y)| *y = T::from_f64(i as f64)))),
    ]
}

/// Numbers that follow from sizes alone.
fn table<T: Real>(name: &str, site: &Site) -> Kernel<T> {
    let numbers: Vec<T> = tables::table(name, site.attrs).into_iter().map(T::from_f64).collect();
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
