//! Attention of several heads.

use super::lowering::{Kernel, Lowering, Site};
use crate::exec::Real;
use crate::graph::ops::attention;
use crate::kernels::{self, Attention};

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        (&attention::ATTENTION, |site| {
            let sizes = sizes(site);
            let plain = plain(&sizes);
            Kernel::whole(move |x, y| kernels::attention(&sizes, parts(&sizes, x), x.get(plain).copied(), y))
        }),
        (&attention::ATTENTION_INPUT_GRAD, |site| {
            let sizes = sizes(site);
            let plain = plain(&sizes);
            Kernel::whole(move |x, dx| {
                let (dy, x) = (x[x.len() - 1], &x[..x.len() - 1]);
                kernels::attention_input_grad(&sizes, parts(&sizes, x), x.get(plain).copied(), dy, dx);
            })
        }),
        (&attention::ATTENTION_BIAS_GRAD, |site| {
            let sizes = sizes(site);
            let plain = plain(&sizes);
            Kernel::whole(move |x, db| {
                kernels::attention_bias_grad(&sizes, parts(&sizes, x), x[plain], x[plain + 1], db);
            })
        }),
    ]
}

fn sizes(site: &Site) -> Attention {
    let (packed, heads) = (site.attrs.get_bool("packed"), site.attrs.get_usize("heads"));
    let q = site.inputs[0];
    let (keys, width) = if packed { (q[1], q[2] / 3) } else { (site.inputs[1][1], q[2]) };
    Attention { n: q[0], heads, queries: q[1], keys, dim: width / heads.max(1), packed }
}

/// How many inputs there are before a bias.
fn plain(sizes: &Attention) -> usize {
    if sizes.packed { 1 } else { 3 }
}

/// Queries, keys and values.
fn parts<'a, T>(sizes: &Attention, x: &[&'a [T]]) -> [&'a [T]; 3] {
    if sizes.packed { [x[0]; 3] } else { [x[0], x[1], x[2]] }
}
