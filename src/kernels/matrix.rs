//! Views of matrices and their products, each computed on one thread: work is shared out in pieces of fixed size, so that results do not
//! depend on threads.

use std::ops::Range;

use rayon::prelude::*;

use super::elem::Elem;
use super::gemm::{self, Layout, Panel};

/// A matrix in somebody's memory, row-major or the transpose of one that is.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    layout: Layout,
}

impl<'a, T: Elem> Matrix<'a, T> {
    /// A row-major matrix `[rows, cols]`.
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Self {
        assert_eq!(data.len(), rows * cols, "the matrix fills its slice");
        Self { data, rows, cols, layout: Layout::row_major(rows, cols) }
    }

    /// The transpose, in the same memory.
    pub fn t(self) -> Self {
        Self { data: self.data, rows: self.cols, cols: self.rows, layout: self.layout.transposed() }
    }

    /// Some of the rows, in the same memory.
    pub fn rows(self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.rows, "rows of the matrix");
        let start = (range.start * self.layout.row).min(self.data.len());
        Self { data: &self.data[start..], rows: range.len(), ..self }
    }

    /// Some of the columns, in the same memory.
    pub fn columns(self, range: Range<usize>) -> Self {
        self.t().rows(range).t()
    }

    fn panel(self) -> (&'a [T], Panel) {
        (self.data, Panel { start: 0, layout: self.layout })
    }
}

/// How many rows of a product one thread computes at a time.
const PIECE: usize = 128;

/// `a b`, its rows shared out among threads.
pub fn product<T: Elem>(a: Matrix<'_, T>, b: Matrix<'_, T>) -> Vec<T> {
    let mut out = vec![T::ZERO; a.rows * b.cols];
    if a.rows <= PIECE || b.cols == 0 {
        multiply(&mut out, false, a, b);
        return out;
    }
    out.par_chunks_mut(PIECE * b.cols).enumerate().for_each(|(i, piece)| {
        let rows = a.rows(i * PIECE..a.rows.min((i + 1) * PIECE));
        multiply(piece, false, rows, b);
    });
    out
}

/// `out = a b`, or `out += a b` where `add`; `out` is row-major.
pub fn multiply<T: Elem>(out: &mut [T], add: bool, a: Matrix<'_, T>, b: Matrix<'_, T>) {
    assert_eq!(out.len(), a.rows * b.cols, "the result fits");
    if !add {
        out.fill(T::ZERO);
    }
    multiply_into(out, b.cols, a, b);
}

/// `out += a b`, where `out` is row-major with `stride` elements from a row to the next, of which those beyond stay as they are.
pub(super) fn multiply_into<T: Elem>(out: &mut [T], stride: usize, a: Matrix<'_, T>, b: Matrix<'_, T>) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    assert_eq!(k, b.rows, "inner sizes agree");
    assert!(n <= stride, "rows of the result do not overlap");
    if m * n * k > 0 {
        gemm::multiply([m, n, k], a.panel(), b.panel(), true, (out, Panel::plain(stride)));
    }
}
