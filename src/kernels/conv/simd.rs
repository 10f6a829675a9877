//! The one inner loop of the fast convolutions: a small tile of C gains products of rows of A with columns of B, all in registers.
use crate::kernels::path::{Level, Path};

/// A stretch of the sum: where A and B start, and over how many steps.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Offset of the first value of the tile's first row in A.
    pub a: usize,
    /// Offset of the first value in B.
    pub b: usize,
    /// Steps.
    pub len: usize,
}

/// A tile of C and how to walk to its values: `C[i][j] (+)= sum over runs and steps k of A[a + i row + k step] B[b + k width + j]`.
#[derive(Clone, Copy, Debug)]
pub struct Tile {
    /// Rows of the tile, at most [`Simd::rows`].
    pub rows: usize,
    /// Vectors in a row, 1 or 2; B has that many times `LANES` values a step.
    pub vectors: usize,
    /// Columns of C that exist, at most as many.
    pub cols: usize,
    /// Distance in A from row to row.
    pub a_row: usize,
    /// Distance in A from step to step.
    pub a_step: usize,
    /// Distance in C from row to row.
    pub c_row: usize,
    /// Add to C, not overwrite it.
    pub add: bool,
}

/// A set of vector instructions: a token that exists only where the processor has them.
pub trait Simd: Copy + Send + Sync {
    /// Values in a vector.
    const LANES: usize;

    /// How many rows fit the registers at so many vectors a row.
    fn rows(vectors: usize) -> usize;

    /// Computes a tile; C starts at its first value.
    fn tile(self, tile: &Tile, runs: &[Run], a: &[f32], b: &[f32], c: &mut [f32]);
}

/// Something to do with whatever instructions there are.
pub trait Task {
    /// What comes of it.
    type Output;
    /// Does it.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Does a task with the path's instructions.
pub fn dispatch<K: Task>(path: Path, task: K) -> K::Output {
    match path.0 {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => task.run(x86::Avx512(())),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => task.run(x86::Avx2(())),
        Level::Portable => task.run(Plain),
    }
}

/// Asserts that a tile stays inside its slices.
fn check<S: Simd>(t: &Tile, runs: &[Run], a: &[f32], b: &[f32], c: &[f32]) {
    let width = t.vectors * S::LANES;
    assert!(t.rows >= 1 && t.rows <= S::rows(t.vectors) && t.cols <= width && t.cols > 0);
    assert!((t.rows - 1) * t.c_row + t.cols <= c.len());
    for run in runs {
        let steps = run.len.saturating_sub(1);
        assert!(run.a + (t.rows - 1) * t.a_row + steps * t.a_step < a.len());
        assert!(run.b + run.len * width <= b.len());
    }
}

/// What the inner loop needs of a vector type.
trait Vector: Copy {
    const LANES: usize;
    /// # Safety
    /// The processor has the instructions (here and below).
    unsafe fn zero() -> Self;
    /// # Safety
    /// `LANES` values can be read at `p`.
    unsafe fn load(p: *const f32) -> Self;
    /// # Safety
    /// `LANES` values can be written at `p`.
    unsafe fn store(self, p: *mut f32);
    /// # Safety
    /// One value can be read at `a`.
    unsafe fn add_product(self, a: *const f32, b: Self) -> Self;
    /// # Safety
    /// None but the instructions.
    unsafe fn add(self, b: Self) -> Self;
}

/// The tile of `R` rows of `N` vectors.
///
/// # Safety
/// The processor has the instructions, and [`check`] passed for `R` rows and `N` vectors.
#[inline(always)]
unsafe fn kernel<V: Vector, const R: usize, const N: usize>(
    t: &Tile,
    runs: &[Run],
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
) {
    // SAFETY: `check` holds every offset formed here inside the slices; partial rows go through `lanes`.
    unsafe {
        let mut sums = [[V::zero(); N]; R];
        for run in runs {
            let (mut pa, mut pb) = (a.as_ptr().add(run.a), b.as_ptr().add(run.b));
            for _ in 0..run.len {
                let columns: [V; N] = std::array::from_fn(|j| V::load(pb.add(j * V::LANES)));
                for i in 0..R {
                    for j in 0..N {
                        sums[i][j] = sums[i][j].add_product(pa.add(i * t.a_row), columns[j]);
                    }
                }
                pa = pa.wrapping_add(t.a_step);
                pb = pb.wrapping_add(N * V::LANES);
            }
        }
        for (i, row) in sums.iter().enumerate() {
            let pc = c.as_mut_ptr().add(i * t.c_row);
            if t.cols == N * V::LANES {
                for (j, &sum) in row.iter().enumerate() {
                    let p = pc.add(j * V::LANES);
                    if t.add { sum.add(V::load(p)) } else { sum }.store(p);
                }
            } else {
                let mut lanes = [0.0f32; 32];
                row.iter().enumerate().for_each(|(j, &sum)| sum.store(lanes.as_mut_ptr().add(j * V::LANES)));
                let c = std::slice::from_raw_parts_mut(pc, t.cols);
                c.iter_mut().zip(lanes).for_each(|(c, v)| *c = if t.add { *c + v } else { v });
            }
        }
    }
}

/// Calls `$kernel::<rows, vectors>` for a tile of any of the listed numbers of rows.
macro_rules! by_rows {
    ($kernel:ident, $tile:expr, $args:tt, 1: [$($one:literal)*], 2: [$($two:literal)*]) => {
        match ($tile.vectors, $tile.rows) {
            $((1, $one) => by_rows!(@call $kernel, $one, 1, $args),)*
            $((2, $two) => by_rows!(@call $kernel, $two, 2, $args),)*
            _ => unreachable!("checked"),
        }
    };
    (@call $kernel:ident, $rows:literal, $vectors:literal, ($($arg:expr),*)) => {
        // SAFETY: the token proves the instructions, `check` the rest.
        unsafe { $kernel::<$rows, $vectors>($($arg),*) }
    };
}

/// Plain Rust, for every processor: the compiler vectorises the arrays.
#[derive(Clone, Copy)]
struct Plain;

#[derive(Clone, Copy)]
struct Eight([f32; 8]);

impl Vector for Eight {
    const LANES: usize = 8;
    #[inline(always)]
    unsafe fn zero() -> Self {
        Eight([0.0; 8])
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Eight(p.cast::<[f32; 8]>().read()) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { p.cast::<[f32; 8]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn add_product(self, a: *const f32, b: Self) -> Self {
        // SAFETY: the caller's promise.
        let a = unsafe { *a };
        let fused = cfg!(target_arch = "aarch64");
        Eight(std::array::from_fn(|i| if fused { a.mul_add(b.0[i], self.0[i]) } else { a * b.0[i] + self.0[i] }))
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Eight(std::array::from_fn(|i| self.0[i] + b.0[i]))
    }
}

impl Simd for Plain {
    const LANES: usize = 8;

    fn rows(vectors: usize) -> usize {
        if vectors == 1 { 4 } else { 2 }
    }

    fn tile(self, t: &Tile, runs: &[Run], a: &[f32], b: &[f32], c: &mut [f32]) {
        check::<Self>(t, runs, a, b, c);
        /// # Safety
        /// As [`kernel`].
        unsafe fn plain<const R: usize, const N: usize>(t: &Tile, runs: &[Run], a: &[f32], b: &[f32], c: &mut [f32]) {
            // SAFETY: the caller's promise.
            unsafe { kernel::<Eight, R, N>(t, runs, a, b, c) }
        }
        by_rows!(plain, t, (t, runs, a, b, c), 1: [1 2 3 4], 2: [1 2]);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! AVX2 with FMA, and AVX-512.
    use std::arch::x86_64::*;

    use super::{Run, Simd, Tile, Vector, check, kernel};

    /// A processor with AVX-512; made by `dispatch` alone.
    #[derive(Clone, Copy)]
    pub struct Avx512(pub(super) ());

    /// A processor with AVX2 and FMA; made by `dispatch` alone.
    #[derive(Clone, Copy)]
    pub struct Avx2(pub(super) ());

    macro_rules! vector {
        ($type:ty, $lanes:literal, $zero:ident, $load:ident, $store:ident, $splat:ident, $fma:ident, $add:ident) => {
            // SAFETY (of every line below): the caller's promise of instructions and of the memory behind `p` and `a`.
            impl Vector for $type {
                const LANES: usize = $lanes;
                #[inline(always)]
                unsafe fn zero() -> Self {
                    unsafe { $zero() }
                }
                #[inline(always)]
                unsafe fn load(p: *const f32) -> Self {
                    unsafe { $load(p) }
                }
                #[inline(always)]
                unsafe fn store(self, p: *mut f32) {
                    unsafe { $store(p, self) }
                }
                #[inline(always)]
                unsafe fn add_product(self, a: *const f32, b: Self) -> Self {
                    unsafe { $fma($splat(*a), b, self) }
                }
                #[inline(always)]
                unsafe fn add(self, b: Self) -> Self {
                    unsafe { $add(self, b) }
                }
            }
        };
    }
    vector!(
        __m512,
        16,
        _mm512_setzero_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_set1_ps,
        _mm512_fmadd_ps,
        _mm512_add_ps
    );
    vector!(
        __m256,
        8,
        _mm256_setzero_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_set1_ps,
        _mm256_fmadd_ps,
        _mm256_add_ps
    );

    /// # Safety
    /// As [`kernel`].
    #[target_feature(enable = "avx512f")]
    unsafe fn avx512<const R: usize, const N: usize>(t: &Tile, runs: &[Run], a: &[f32], b: &[f32], c: &mut [f32]) {
        // SAFETY: the caller's promise.
        unsafe { kernel::<__m512, R, N>(t, runs, a, b, c) }
    }

    /// # Safety
    /// As [`kernel`].
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2<const R: usize, const N: usize>(t: &Tile, runs: &[Run], a: &[f32], b: &[f32], c: &mut [f32]) {
        // SAFETY: the caller's promise.
        unsafe { kernel::<__m256, R, N>(t, runs, a, b, c) }
    }

    impl Simd for Avx512 {
        const LANES: usize = 16;

        fn rows(vectors: usize) -> usize {
            if vectors == 1 { 16 } else { 14 }
        }

        fn tile(self, t: &Tile, runs: &[Run], a: &[f32], b: &[f32], c: &mut [f32]) {
            check::<Self>(t, runs, a, b, c);
            by_rows!(avx512, t, (t, runs, a, b, c),
                1: [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16], 2: [1 2 3 4 5 6 7 8 9 10 11 12 13 14]);
        }
    }

    impl Simd for Avx2 {
        const LANES: usize = 8;

        fn rows(vectors: usize) -> usize {
            if vectors == 1 { 12 } else { 6 }
        }

        fn tile(self, t: &Tile, runs: &[Run], a: &[f32], b: &[f32], c: &mut [f32]) {
            check::<Self>(t, runs, a, b, c);
            by_rows!(avx2, t, (t, runs, a, b, c), 1: [1 2 3 4 5 6 7 8 9 10 11 12], 2: [1 2 3 4 5 6]);
        }
    }
}
