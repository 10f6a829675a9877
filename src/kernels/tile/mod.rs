//! The one inner loop of convolutions and products: a small tile of C gains products of rows of A with columns of B, all in registers.
mod plain;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::kernels::path::Path;
use crate::kernels::scratch::LINE;

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

/// Tiles of C one below the other and how to walk to their values: `C[i][j] (+)= sum over runs and steps k of A[a + i a_row + k a_step]
/// B[b + k b_step + j]`.
#[derive(Clone, Copy, Debug)]
pub struct Strip<'a> {
    /// Rows of all tiles; they are [`split`](super::panels::split) evenly in tiles of at most [`Simd::rows`].
    pub rows: usize,
    /// Vectors in a row, 1 or 2: so many are read of B at a step.
    pub vectors: usize,
    /// Columns of C that exist, at most as many.
    pub cols: usize,
    /// Distance in A from row to row of a tile.
    pub a_row: usize,
    /// Distance in A from step to step.
    pub a_step: usize,
    /// Distance in A from tile to tile, where it is not that of their rows; the tiles are then those of two vectors.
    pub a_tile: Option<usize>,
    /// Distance in B from step to step.
    pub b_step: usize,
    /// Distance in C from row to row.
    pub c_row: usize,
    /// Add to C, not overwrite it.
    pub add: bool,
    /// What is asked for meanwhile.
    pub ahead: Ahead<'a>,
}

/// Stretches of memory that will soon be read: a strip asks for some of them at each of its tiles, so that they come while it computes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ahead<'a> {
    /// Where the first begins.
    pub values: &'a [f32],
    /// How many there are.
    pub count: usize,
    /// The distance from one to the next.
    pub apart: usize,
    /// Values of each.
    pub len: usize,
}

impl Ahead<'_> {
    /// One of so many parts of them.
    pub fn part(self, number: usize, parts: usize) -> Self {
        let [first, end] = [number, number + 1].map(|n| self.count * n / parts);
        Ahead { values: self.values.get(first * self.apart..).unwrap_or_default(), count: end - first, ..self }
    }

    /// Asks for the stretch of that number; where there is none nothing happens.
    #[inline(always)]
    fn ask<V: Vector>(&self, number: usize) {
        let start = self.values.as_ptr().wrapping_add(number * self.apart);
        (0..self.len).step_by(LINE).for_each(|at| V::prefetch(start.wrapping_add(at)));
    }
}

/// A set of vector instructions: a proof that the processor has them.
pub trait Simd: Copy + Send + Sync {
    /// Values in a vector.
    const LANES: usize;

    /// How many rows fit the registers at so many vectors a row.
    fn rows(vectors: usize) -> usize;

    /// Computes a strip; C starts at its first value.
    fn strip(self, strip: &Strip, runs: &[Run], a: &[f32], b: &[f32], c: &mut [f32]);

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
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Avx512(proof) => task.run(proof),
        #[cfg(target_arch = "x86_64")]
        Path::Avx2(proof) => task.run(proof),
        Path::Portable => task.run(plain::Plain),
    }
}

/// How many rows a tile of a strip has at most.
fn most<S: Simd>(s: &Strip) -> usize {
    S::rows(if s.a_tile.is_some() { 2 } else { s.vectors })
}

/// Asserts that a strip stays inside its slices.
fn check<S: Simd>(s: &Strip, runs: &[Run], a: &[f32], b: &[f32], c: &[f32]) {
    let (width, most) = (s.vectors * S::LANES, most::<S>(s));
    assert!(s.rows >= 1 && s.cols > 0 && s.cols <= width);
    assert!((s.rows - 1) * s.c_row + s.cols <= c.len());
    let last = match s.a_tile {
        Some(apart) => (s.rows.div_ceil(most) - 1) * apart + (s.rows.min(most) - 1) * s.a_row,
        None => (s.rows - 1) * s.a_row,
    };
    for run in runs {
        let steps = run.len.saturating_sub(1);
        assert!(run.a + last + steps * s.a_step < a.len());
        assert!(run.len == 0 || run.b + steps * s.b_step + width <= b.len());
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

/// Some tiles of a strip, each of `R` rows of `N` vectors.
struct Tiles {
    /// The first row.
    row: usize,
    /// How many tiles come before.
    before: usize,
    /// How many these are.
    count: usize,
    /// How many the strip has.
    all: usize,
}

/// Computes tiles of `R` rows of `N` vectors.
///
/// # Safety
/// The processor has the instructions, [`check`] passed, and the strip has these tiles.
#[inline(always)]
unsafe fn tiles<V: Vector, const R: usize, const N: usize>(
    s: &Strip,
    tiles: Tiles,
    runs: &[Run],
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
) {
    let mut asked = s.ahead.count * tiles.before / tiles.all;
    for tile in 0..tiles.count {
        let (row, number) = (tiles.row + tile * R, tiles.before + tile);
        while asked * tiles.all < s.ahead.count * (number + 1) {
            s.ahead.ask::<V>(asked);
            asked += 1;
        }
        let from = s.a_tile.map_or(row * s.a_row, |apart| number * apart);
        // SAFETY: the caller's promise.
        unsafe { kernel::<V, R, N>(s, runs, a.as_ptr().add(from), b.as_ptr(), c.as_mut_ptr().add(row * s.c_row)) };
    }
}

/// The tile of `R` rows of `N` vectors.
///
/// # Safety
/// The processor has the instructions, and all that the strip says of a tile can be read and written.
#[inline(always)]
unsafe fn kernel<V: Vector, const R: usize, const N: usize>(
    t: &Strip,
    runs: &[Run],
    a: *const f32,
    b: *const f32,
    c: *mut f32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        for_rows!({ V::prefetch(c.add(I * t.c_row)) });
        let mut sums = [[V::splat(0.0); 2]; 16];
        for run in runs {
            let (mut pa, mut pb) = (a.add(run.a), b.add(run.b));
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
                    pb = pb.wrapping_add(t.b_step);
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
        for_rows!({ store::<V, N>(t, sums[I], c.add(I * t.c_row)) });
    }
}

/// Stores or adds one row of a tile.
///
/// # Safety
/// The processor has the instructions, and `t.cols` values can be read and written at `c`.
#[inline(always)]
unsafe fn store<V: Vector, const N: usize>(t: &Strip, sums: [V; 2], c: *mut f32) {
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

/// Computes a strip by `$tiles::<rows, vectors>`, which is made for the listed numbers of rows.
macro_rules! strip {
    ($tiles:ident, $strip:expr, ($runs:expr, $a:expr, $b:expr, $c:expr), 1: [$($one:literal)*], 2: [$($two:literal)*]) => {{
        let (strip, (mut row, mut before)) = ($strip, (0, 0));
        let most = most::<Self>(strip);
        for (rows, count) in $crate::kernels::panels::lengths(strip.rows, most).into_iter().filter(|(_, count)| *count > 0) {
            let tiles = Tiles { row, before, count, all: strip.rows.div_ceil(most) };
            (row, before) = (row + count * rows, before + count);
            // SAFETY: the proof is of these instructions, `check` the rest.
            unsafe {
                match (strip.vectors, rows) {
                    $((1, $one) => $tiles::<$one, 1>(strip, tiles, $runs, $a, $b, $c),)*
                    $((2, $two) => $tiles::<$two, 2>(strip, tiles, $runs, $a, $b, $c),)*
                    _ => unreachable!("tiles are no larger"),
                }
            }
        }
    }};
}
use strip;
