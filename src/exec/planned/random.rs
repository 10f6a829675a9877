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
            drawn(site, move |seed, y| {
                kernels::uniform(seed, y);
                y.iter_mut().for_each(|y| *y = if *y < p { T::ZERO } else { kept });
            })
        }),
    ]
}

fn drawn<T: Real>(site: &Site, draw: impl Fn(u64, &mut [T]) + Send + 'static) -> Kernel<T> {
    let (stream, by_sample) = (site.attrs.get_int("stream") as u64, site.attrs.get_bool("by_sample"));
    Kernel::drawn(move |y, moment: Moment| moment.draw(stream, by_sample, y, &draw))
}
