//! The one inner loop of convolutions and products: a small tile of C gains products of rows of A with columns of B, all in registers.
mod plain;
#[cfg(target_arch = "x86_64")]
mod x86;

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

    /// Runs code written for vectors of any length.
    fn vectors<K: VectorTask>(self, task: K);
}

/// Code written for vectors of any length.
pub trait VectorTask {
    /// Runs it, inlined where the instructions are enabled.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    unsafe fn run<V: Vector>(self);
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
        Level::Avx512 => task.run(x86::Avx512::new()),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => task.run(x86::Avx2::new()),
        Level::Portable => task.run(plain::Plain),
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

/// A vector of f32.
pub trait Vector: Copy {
    /// Values in it.
    const LANES: usize;
    /// The values at `p`.
    ///
    /// # Safety
    /// `LANES` values can be read at `p`.
    unsafe fn load(p: *const f32) -> Self;
    /// Writes the values to `p`.
    ///
    /// # Safety
    /// `LANES` values can be written at `p`.
    unsafe fn store(self, p: *mut f32);
    /// One value in all places.
    ///
    /// # Safety
    /// None but the instructions (here and below).
    unsafe fn splat(value: f32) -> Self;
    /// self + a b.
    ///
    /// # Safety
    /// As above.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    /// The sum.
    ///
    /// # Safety
    /// As above.
    unsafe fn add(self, b: Self) -> Self;
    /// The difference.
    ///
    /// # Safety
    /// As above.
    unsafe fn sub(self, b: Self) -> Self;
    /// Turns a block of 8 x 8 round: columns that start `apart` from one another become rows that start `width` apart.
    ///
    /// # Safety
    /// As above, and all of both blocks can be read and written.
    #[inline(always)]
    unsafe fn turn_round(columns: *const f32, apart: usize, rows: *mut f32, width: usize) {
        for (column, row) in (0..8).flat_map(|c| (0..8).map(move |r| (c, r))) {
            // SAFETY: the caller's promise.
            unsafe { *rows.add(row * width + column) = *columns.add(column * apart + row) };
        }
    }
    /// Asks for the cache line of `p`, which need not be memory at all.
    #[inline(always)]
    fn prefetch(_p: *const f32) {}
}

/// Repeats a statement for the constant row I = 0, 1, ... below `R`: only so do the sums stay in registers.
macro_rules! for_rows {
    ($body:block) => {
        for_rows!($body 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    };
    ($body:block $($row:literal)*) => {
        $(if $row < R {
            const I: usize = $row;
            $body
        })*
    };
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
    // SAFETY: `check` holds every offset formed here inside the slices.
    unsafe {
        for_rows!({ V::prefetch(c.as_ptr().add(I * t.c_row)) });
        let mut sums = [[V::splat(0.0); 2]; 16];
        for run in runs {
            let (mut pa, mut pb) = (a.as_ptr().add(run.a), b.as_ptr().add(run.b));
            macro_rules! step {
                () => {
                    let first = V::load(pb);
                    let second = if N > 1 { V::load(pb.add(V::LANES)) } else { first };
                    for_rows!({
                        let value = V::splat(*pa.add(I * t.a_row));
                        sums[I][0] = sums[I][0].add_product(value, first);
                        if N > 1 {
                            sums[I][1] = sums[I][1].add_product(value, second);
                        }
                    });
                    pa = pa.wrapping_add(t.a_step);
                    pb = pb.wrapping_add(N * V::LANES);
                };
            }
            // Four at a time: the end of so short a loop is foreseen by the processor.
            for _ in 0..run.len / 4 {
                step!();
                step!();
                step!();
                step!();
            }
            for _ in 0..run.len % 4 {
                step!();
            }
        }
        for_rows!({ store::<V, N>(t, sums[I], c.as_mut_ptr().add(I * t.c_row)) });
    }
}

/// Stores or adds one row of a tile.
///
/// # Safety
/// The processor has the instructions, and `t.cols` values can be read and written at `c`.
#[inline(always)]
unsafe fn store<V: Vector, const N: usize>(t: &Tile, sums: [V; 2], c: *mut f32) {
    // SAFETY: the caller's promise; rows that do not fill the vectors go through `lanes`.
    unsafe {
        if t.cols == N * V::LANES {
            for j in 0..N {
                let p = c.add(j * V::LANES);
                if t.add { sums[j].add(V::load(p)) } else { sums[j] }.store(p);
            }
        } else {
            let mut lanes = [0.0f32; 32];
            for j in 0..N {
                sums[j].store(lanes.as_mut_ptr().add(j * V::LANES));
            }
            let c = std::slice::from_raw_parts_mut(c, t.cols);
            c.iter_mut().zip(lanes).for_each(|(c, v)| *c = if t.add { *c + v } else { v });
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
use by_rows;
