//! Linear algebra: Cholesky factors, triangular systems, singular values.

use super::lowering::{Kernel, Lowering, Site};
use crate::exec::Real;
use crate::graph::ops::linalg;
use crate::kernels::{self, Gemm, Triangle};

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        (&linalg::CHOLESKY, |site| {
            let [_, n] = matrix(site);
            Kernel::fallible(move |x, y| kernels::cholesky(x[0], n, y).map_err(|e| e.to_string()))
        }),
        (&linalg::TRIANGULAR_SOLVE, |site| {
            let ([_, n], columns) = (matrix(site), site.output[site.output.len() - 1]);
            let lower = !site.attrs.get_bool("upper");
            let triangle = Triangle { lower, transpose: site.attrs.get_bool("transpose") };
            Kernel::whole(move |x, y| kernels::triangular_solve(x[0], x[1], n, columns, triangle, y))
        }),
        (&linalg::TRIANGLE, |site| {
            let [_, n] = matrix(site);
            let (upper, diagonal) = (site.attrs.get_bool("upper"), T::from_f64(site.attrs.get_float("diagonal")));
            Kernel::whole(move |x, y| {
                for (at, (y, &x)) in y.iter_mut().zip(x[0]).enumerate() {
                    let (i, j) = (at / n % n, at % n);
                    let inside = if upper { j > i } else { i > j };
                    *y = if i == j { diagonal * x } else { [T::ZERO, x][usize::from(inside)] };
                }
            })
        }),
        (&linalg::SINGULAR_VALUES, |site| {
            let mut svd = Svd::new(site);
            Kernel::whole(move |x, y| {
                for (a, y) in svd.matrices(x[0]).zip(y.chunks_exact_mut(svd.s.len())) {
                    y.copy_from_slice(svd.decompose(a));
                }
            })
        }),
        (&linalg::NUCLEAR_NORM, |site| {
            let mut svd = Svd::new(site);
            Kernel::whole(move |x, y| {
                for (a, y) in svd.matrices(x[0]).zip(y) {
                    *y = svd.decompose(a).iter().copied().sum();
                }
            })
        }),
        (&linalg::POLAR, |site| {
            let mut svd = Svd::new(site);
            Kernel::whole(move |x, y| {
                for (a, y) in svd.matrices(x[0]).zip(y.chunks_exact_mut(svd.m * svd.n)) {
                    svd.decompose(a);
                    svd.s.fill(T::ONE);
                    svd.compose(y);
                }
            })
        }),
        (&linalg::SINGULAR_VALUES_GRAD, |site| {
            let mut svd = Svd::new(site);
            Kernel::whole(move |x, y| {
                let grads = x[1].chunks_exact(svd.s.len());
                for ((a, ds), y) in svd.matrices(x[0]).zip(grads).zip(y.chunks_exact_mut(svd.m * svd.n)) {
                    svd.decompose(a);
                    svd.s.copy_from_slice(ds);
                    svd.compose(y);
                }
            })
        }),
    ]
}

/// Rows and columns of the first input's matrices.
fn matrix(site: &Site) -> [usize; 2] {
    let dims = site.inputs[0];
    [dims[dims.len() - 2], dims[dims.len() - 1]]
}

/// A singular value decomposition `a [m, n] = u diag(s) vᵀ`, and room for it.
struct Svd<T> {
    m: usize,
    n: usize,
    u: Vec<T>,
    s: Vec<T>,
    v: Vec<T>,
}

impl<T: Real> Svd<T> {
    fn new(site: &Site) -> Self {
        let [m, n] = matrix(site);
        let k = m.min(n);
        Svd { m, n, u: vec![T::ZERO; m * k], s: vec![T::ZERO; k], v: vec![T::ZERO; n * k] }
    }

    /// The matrices of a batch.
    fn matrices<'a>(&self, a: &'a [T]) -> std::slice::ChunksExact<'a, T> {
        a.chunks_exact((self.m * self.n).max(1))
    }

    /// Decomposes a matrix; answers its singular values.
    fn decompose(&mut self, a: &[T]) -> &[T] {
        kernels::svd(a, self.m, self.n, &mut self.u, &mut self.s, &mut self.v);
        &self.s
    }

    /// `u diag(s) vᵀ`; `u` is used up.
    fn compose(&mut self, a: &mut [T]) {
        let k = self.s.len();
        for row in self.u.chunks_exact_mut(k.max(1)) {
            row.iter_mut().zip(&self.s).for_each(|(u, &s)| *u *= s);
        }
        let product = Gemm::new(1, self.m, self.n, k).transpose_b();
        kernels::gemm(&product, &self.u, &self.v, a);
    }
}
