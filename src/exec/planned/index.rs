//! Elements chosen by index, and sorting.

use super::lowering::{Kernel, Lowering};
use crate::exec::Real;
use crate::graph::ops::{index, tokens};
use crate::kernels::{self, Rows};

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        (&index::GATHER, |site| {
            let (dims, index, axis) = (site.input(0), site.input(1), site.attrs.get_usize("axis"));
            Kernel::fallible(move |x, y| kernels::gather(x[0], &dims, axis, x[1], &index, y).map_err(|e| e.to_string()))
        }),
        (&index::SCATTER_ADD, |site| {
            let (index, out, axis) = (site.input(0), site.output.to_vec(), site.attrs.get_usize("axis"));
            Kernel::fallible(move |x, y| {
                y.fill(T::ZERO);
                kernels::scatter_add(x[1], x[0], &index, axis, y, &out).map_err(|e| e.to_string())
            })
        }),
        (&tokens::TAKE, |site| {
            let rows = rows(&site.input(0), &site.input(1));
            Kernel::fallible(move |x, y| kernels::take_rows(&rows, x[0], x[1], y).map_err(|e| e.to_string()))
        }),
        (&tokens::PLACE, |site| {
            let rows = rows(site.output, &site.input(1));
            Kernel::fallible(move |x, y| kernels::place_rows(&rows, x[0], x[1], y).map_err(|e| e.to_string()))
        }),
        (&index::ARGSORT, |site| {
            let (dims, axis) = (site.input(0), site.attrs.get_usize("axis"));
            let descending = site.attrs.get_bool("descending");
            Kernel::whole(move |x, y| kernels::argsort(x[0], &dims, axis, descending, y))
        }),
    ]
}

/// The rows `[n, t, ..]` of samples of which indices `[n, m]` choose.
fn rows(all: &[usize], indices: &[usize]) -> Rows {
    Rows { rows: all[1], width: all[2..].iter().product(), count: indices[1] }
}
