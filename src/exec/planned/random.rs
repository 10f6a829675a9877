//! Random tensors: a function of the seed of the run, the step, the stream and the place.

use super::lowering::{Kernel, Lowering, Moment, Site};
use crate::exec::Real;
use crate::graph::ops::random;
use crate::kernels;

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        (&random::RANDN, |site| drawn(site, kernels::randn)),
        (&random::RAND, |site| drawn(site, kernels::uniform)),
        (&random::DROPOUT_MASK, |site| {
            let p = site.attrs.get_float("p");
            let (p, kept) = (T::from_f64(p), T::from_f64(1.0 / (1.0 - p)));
            drawn(site, move |seed, first, y| {
                kernels::uniform(seed, first, y);
                y.iter_mut().for_each(|y| *y = if *y < p { T::ZERO } else { kept });
            })
        }),
    ]
}

fn drawn<T: Real>(site: &Site, draw: impl Fn(u64, u64, &mut [T]) + Send + 'static) -> Kernel<T> {
    let stream = site.attrs.get_int("stream") as u64;
    let rows = site.attrs.get_bool("by_sample").then(|| site.output[0]);
    Kernel::drawn(move |y, moment: Moment| moment.draw(stream, rows, y, &draw))
}
