//! Assignment of samples to prototypes.

use super::lowering::{Kernel, Lowering, Site};
use crate::exec::Real;
use crate::graph::ops::assign;
use crate::kernels::{self, Sinkhorn};

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        (&assign::SINKHORN, |site| {
            let sizes = sinkhorn(site);
            Kernel::whole(move |x, y| kernels::sinkhorn(&sizes, x[0], y))
        }),
        (&assign::KMEANS, |site| {
            let ([rows, dim], attrs) = ([site.inputs[0][0], site.inputs[0][1]], site.attrs);
            let (k, iterations) = (attrs.get_usize("clusters"), attrs.get_usize("iterations"));
            let (count, stream) = (site.dim("count"), attrs.get_int("stream") as u64);
            Kernel::Whole(Box::new(move |x, y, moment| {
                if rows < k {
                    return Err(format!("{rows} rows cannot make {k} clusters"));
                }
                let start = kernels::kmeans_start(moment.stream(stream), count, k);
                for (centre, row) in y.chunks_exact_mut(dim.max(1)).zip(start) {
                    centre.copy_from_slice(&x[0][row * dim..(row + 1) * dim]);
                }
                kernels::kmeans(x[0], dim, iterations, y);
                Ok(())
            }))
        }),
    ]
}

/// The sizes and settings of a balanced assignment.
fn sinkhorn(site: &Site) -> Sinkhorn {
    let (columns, rows) = (site.output[site.output.len() - 1], site.output[site.output.len() - 2]);
    let tolerance = Some(site.attrs.get_float("tolerance")).filter(|t| *t >= 0.0);
    let (epsilon, iterations) = (site.attrs.get_float("epsilon"), site.attrs.get_usize("iterations"));
    let probabilities = site.attrs.get_bool("probabilities");
    Sinkhorn { rows, columns, count: site.dim("count"), epsilon, probabilities, iterations, tolerance }
}
