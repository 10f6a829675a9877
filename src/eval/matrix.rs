//! Matrix products by `gemm`, each on one thread: work is shared out in pieces of fixed size, so that results do not depend on
//! threads.

use std::ops::Range;

use rayon::prelude::*;

/// A matrix in somebody's memory, with any strides.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// A row-major matrix `[rows, cols]`.
    pub(super) fn new(data: &'a [T], rows: usize, cols: usize) -> Self {
        assert_eq!(data.len(), rows * cols, "the matrix fills its slice");
        Self { data, rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// The transpose, in the same memory.
    pub(super) fn t(self) -> Self {
        let Self { data, rows, cols, row_stride, col_stride } = self;
        Self { data, rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride }
    }

    /// Some of the rows, in the same memory.
    pub(super) fn rows(self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.rows, "rows of the matrix");
        let start = (range.start * self.row_stride).min(self.data.len());
        Self { data: &self.data[start..], rows: range.len(), ..self }
    }

    /// Some of the columns, in the same memory.
    pub(super) fn columns(self, range: Range<usize>) -> Self {
        self.t().rows(range).t()
    }
}

/// A type of number that can be multiplied.
pub(super) trait Number: Copy + Send + Sync + 'static {
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
}

impl Number for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
}

impl Number for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
}

/// How many rows of a product one thread computes at a time.
const PIECE: usize = 128;

/// `a b`, its rows shared out among threads.
pub(super) fn product<T: Number>(a: Matrix<'_, T>, b: Matrix<'_, T>) -> Vec<T> {
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
pub(super) fn multiply<T: Number>(out: &mut [T], add: bool, a: Matrix<'_, T>, b: Matrix<'_, T>) {
    assert_eq!(out.len(), a.rows * b.cols, "the result fits");
    if !add {
        out.fill(T::ZERO);
    }
    multiply_into(out, b.cols, a, b);
}

/// `out += a b`, where `out` is row-major with `stride` elements from a row to the next, of which those beyond stay as they are.
pub(super) fn multiply_into<T: Number>(out: &mut [T], stride: usize, a: Matrix<'_, T>, b: Matrix<'_, T>) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    assert_eq!(k, b.rows, "inner sizes agree");
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    assert!(n <= stride && out.len() >= (m - 1) * stride + n, "the result fits");
    // SAFETY: `Matrix::new` and `rows` checked that both inputs lie within their slices for these sizes and strides,
    // `out` holds m rows of n values by the assertion above, and `gemm` touches nothing else.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            stride as isize,
            true,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
