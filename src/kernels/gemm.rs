//! Products of matrices, batched and strided: of f32 by the inner loop of the convolutions, of f64 by the `gemm` crate.
use gemm::Parallelism;
use rayon::prelude::*;

use super::elem::Elem;
use super::path::Path;
use super::product::{Product, Then};
use super::tile::dispatch;

/// How a batch of matrices lies in memory; distances are in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// From one row to the next.
    pub row: usize,
    /// From one column to the next.
    pub col: usize,
    /// From one matrix of the batch to the next; 0 repeats one matrix.
    pub batch: usize,
}

impl Layout {
    /// Contiguous matrices of `rows` x `cols`, one after the other.
    pub fn row_major(rows: usize, cols: usize) -> Self {
        Layout { row: cols, col: 1, batch: rows * cols }
    }

    /// The same memory read as the transposed matrices.
    pub fn transposed(self) -> Self {
        Layout { row: self.col, col: self.row, batch: self.batch }
    }

    /// The same matrix for the whole batch.
    pub fn shared(self) -> Self {
        Layout { batch: 0, ..self }
    }

    /// One past the last element reached by a batch of `rows` x `cols` matrices.
    fn reach(self, batch: usize, rows: usize, cols: usize) -> usize {
        if batch * rows * cols == 0 {
            return 0;
        }
        (batch - 1) * self.batch + (rows - 1) * self.row + (cols - 1) * self.col + 1
    }
}

/// The sizes and layouts of C = A B, or C += A B, with A of `m` x `k`, B of `k` x `n` and C of `m` x `n`.
#[derive(Clone, Copy, Debug)]
pub struct Gemm {
    /// How many products.
    pub batch: usize,
    /// Rows of A and C.
    pub m: usize,
    /// Columns of B and C.
    pub n: usize,
    /// Columns of A, rows of B.
    pub k: usize,
    /// Where A lies.
    pub a: Layout,
    /// Where B lies.
    pub b: Layout,
    /// Where C lies; its matrices do not overlap.
    pub c: Layout,
    /// Add to C, not overwrite it.
    pub add: bool,
}

impl Gemm {
    /// Contiguous row-major A, B and C.
    pub fn new(batch: usize, m: usize, n: usize, k: usize) -> Self {
        let layout = Layout::row_major;
        Gemm { batch, m, n, k, a: layout(m, k), b: layout(k, n), c: layout(m, n), add: false }
    }

    /// A stored as contiguous `k` x `m` matrices.
    pub fn transpose_a(self) -> Self {
        Gemm { a: Layout::row_major(self.k, self.m).transposed(), ..self }
    }

    /// B stored as contiguous `n` x `k` matrices.
    pub fn transpose_b(self) -> Self {
        Gemm { b: Layout::row_major(self.n, self.k).transposed(), ..self }
    }
}

/// C = A B, or C += A B; the sum over k is never split between threads.
pub fn gemm<T: Elem>(g: &Gemm, a: &[T], b: &[T], c: &mut [T]) {
    gemm_on(Path::current(), g, a, b, c);
}

/// [`gemm()`] by a given path.
pub fn gemm_on<T: Elem>(path: Path, g: &Gemm, a: &[T], b: &[T], c: &mut [T]) {
    assert!(g.c.reach(g.batch, g.m, g.n) <= c.len(), "C is smaller than its layout");
    let own = g.c.reach(1, g.m, g.n);
    assert!(g.batch <= 1 || g.c.batch >= own, "the matrices of C overlap");
    if own == 0 {
        return;
    }
    let flops = 2 * g.m * g.n * g.k;
    let parallel = flops >= INSIDE;
    let step = g.c.batch.max(own);
    let one = |i: usize, c: &mut [T]| {
        product(path, g, &a[i * g.a.batch..], &b[i * g.b.batch..], c, parallel);
    };
    let c = &mut c[..(g.batch - 1) * step + own];
    if parallel || flops * g.batch <= SERIAL {
        c.chunks_mut(step).enumerate().for_each(|(i, c)| one(i, c));
    } else {
        let group = SERIAL.div_ceil(flops.max(1));
        c.par_chunks_mut(step * group)
            .enumerate()
            .for_each(|(j, c)| c.chunks_mut(step).enumerate().for_each(|(i, c)| one(j * group + i, c)));
    }
}

/// [`gemm`] of one product, and `then` of rows of C, given the first of them, when they are complete.
pub(super) fn gemm_then(g: &Gemm, a: &[f32], b: &[f32], c: &mut [f32], then: &Then) {
    check(g, a, b, c);
    let parallel = 2 * g.m * g.n * g.k >= INSIDE;
    dispatch(Path::current(), Product { g, a, b, c, parallel, then: Some(then) });
}

/// Operations from which one product is worth several threads.
const INSIDE: usize = 1 << 22;
/// Operations that one thread does before another is worth waking.
const SERIAL: usize = 1 << 18;

/// One product, whose C has contiguous rows.
fn product<T: Elem>(path: Path, g: &Gemm, a: &[T], b: &[T], c: &mut [T], parallel: bool) {
    check(g, a, b, c);
    if let (Some(a), Some(b), Some(c)) = (T::as_f32(a), T::as_f32(b), T::as_f32_mut(c)) {
        return dispatch(path, Product { g, a, b, c, parallel, then: None });
    }
    let [ac, ar, bc, br, cr] = [g.a.col, g.a.row, g.b.col, g.b.row, g.c.row].map(|s| s as isize);
    let threads = if parallel { Parallelism::Rayon(0) } else { Parallelism::None };
    let (a, b, c, add) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr(), g.add);
    let old = if add { T::ONE } else { T::ZERO };
    // SAFETY: the assertions above keep every index of every matrix inside its slice; T is f64 (the crate's alpha scales C).
    unsafe {
        gemm::gemm(g.m, g.n, g.k, c, 1, cr, add, a, ac, ar, b, bc, br, old, T::ONE, false, false, false, threads);
    }
}

fn check<T>(g: &Gemm, a: &[T], b: &[T], c: &[T]) {
    assert!(g.a.reach(1, g.m, g.k) <= a.len(), "A is smaller than its layout");
    assert!(g.b.reach(1, g.k, g.n) <= b.len(), "B is smaller than its layout");
    assert!(g.b.col == 1 || g.b.row == 1, "B lies in rows or in columns");
    assert!(g.c.reach(1, g.m, g.n) <= c.len() && g.c.col == 1, "C is smaller than its layout, or not of rows");
}

/// A matrix within a slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel {
    /// Its first element.
    pub start: usize,
    /// Its rows and columns; `batch` is not used.
    pub layout: Layout,
}

impl Panel {
    /// A whole slice of rows of `cols`.
    pub fn plain(cols: usize) -> Self {
        Panel { start: 0, layout: Layout { row: cols, col: 1, batch: 0 } }
    }

    /// The matrix from row `row` on.
    pub fn down(self, row: usize) -> Self {
        Panel { start: self.start + row * self.layout.row, ..self }
    }

    /// The same memory read as the transposed matrix.
    pub fn transposed(self) -> Self {
        Panel { layout: self.layout.transposed(), ..self }
    }
}

/// C = A B, or C += A B, of `[m, n, k]` on the calling thread.
pub(super) fn multiply<T: Elem>(
    [m, n, k]: [usize; 3],
    (a, at): (&[T], Panel),
    (b, bt): (&[T], Panel),
    add: bool,
    (c, ct): (&mut [T], Panel),
) {
    let g = Gemm { batch: 1, m, n, k, a: at.layout, b: bt.layout, c: ct.layout, add };
    product(Path::current(), &g, &a[at.start..], &b[bt.start..], &mut c[ct.start..], false);
}
