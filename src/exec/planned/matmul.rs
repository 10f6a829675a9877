//! Products of matrices; transpositions are only strides.

use super::lowering::{Kernel, Lowering, Site};
use crate::exec::Real;
use crate::graph::ops::matmul;
use crate::kernels::{self, Gemm, Layout};

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![(&matmul::MATMUL, matmul)]
}

fn matmul<T: Real>(site: &Site) -> Kernel<T> {
    let ((lead_a, a), (lead_b, b)) = (split(site.inputs[0]), split(site.inputs[1]));
    let (lead, [m, n]) = split(site.output);
    let (ta, tb) = (site.attrs.get_bool("ta"), site.attrs.get_bool("tb"));
    let k = if ta { a[0] } else { a[1] };
    let batch: usize = lead.iter().product();
    let layout = |[rows, columns]: [usize; 2], transposed: bool| {
        let layout = Layout::row_major(rows, columns);
        if transposed { layout.transposed() } else { layout }
    };
    let mut call = Gemm { batch, m, n, k, a: layout(a, ta), b: layout(b, tb), c: Layout::row_major(m, n), add: false };
    let whole = |lead: &[usize]| [1, batch].contains(&lead.iter().product());
    if whole(lead_a) && whole(lead_b) {
        call.a = if lead_a.iter().product::<usize>() == 1 { call.a.shared() } else { call.a };
        call.b = if lead_b.iter().product::<usize>() == 1 { call.b.shared() } else { call.b };
        return Kernel::whole(move |x, y| kernels::gemm(&call, x[0], x[1], y));
    }
    let (places_a, places_b) = (places(lead_a, lead), places(lead_b, lead));
    let (each, size_a, size_b) = (Gemm { batch: 1, ..call }, a[0] * a[1], b[0] * b[1]);
    Kernel::whole(move |x, y| {
        for (i, y) in y.chunks_exact_mut((m * n).max(1)).enumerate() {
            let (a, b) = (&x[0][places_a[i] * size_a..], &x[1][places_b[i] * size_b..]);
            kernels::gemm(&each, a, b, y);
        }
    })
}

/// Leading dimensions, and the rows and columns as stored.
fn split(dims: &[usize]) -> (&[usize], [usize; 2]) {
    let (lead, last) = dims.split_at(dims.len() - 2);
    (lead, [last[0], last[1]])
}

/// Which matrix of an operand each matrix of the result is made of.
fn places(from: &[usize], to: &[usize]) -> Vec<usize> {
    let numbers: Vec<f64> = (0..from.iter().product::<usize>()).map(|i| i as f64).collect();
    let mut out = vec![0.0; to.iter().product()];
    kernels::broadcast_to(&numbers, from, &mut out, to);
    out.into_iter().map(|i| i as usize).collect()
}
