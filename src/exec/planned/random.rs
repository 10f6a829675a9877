//! Random tensors: a function of the seed of the run, the step, the stream and the place.

use super::lowering::{Kernel, Lowering};
use crate::exec::Real;
use crate::kernels;

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        ("randn", |site| {
            let stream = site.attrs.get_int("stream") as u64;
            Kernel::drawn(move |y, moment| kernels::randn(moment.stream(stream), y))
        }),
        ("rand", |site| {
            let stream = site.attrs.get_int("stream") as u64;
            Kernel::drawn(move |y, moment| kernels::uniform(moment.stream(stream), y))
        }),
        ("dropout_mask", |site| {
            let (stream, p) = (site.attrs.get_int("stream") as u64, site.attrs.get_float("p"));
            let (p, kept) = (T::from_f64(p), T::from_f64(1.0 / (1.0 - p)));
            Kernel::drawn(move |y, moment| {
                kernels::uniform(moment.stream(stream), y);
                y.iter_mut().for_each(|y| *y = if *y < p { T::ZERO } else { kept });
            })
        }),
    ]
}
