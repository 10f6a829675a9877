//! Plain Rust, for every processor: the compiler vectorises the arrays.
use super::{Run, Simd, Strip, Tiles, Vector, VectorTask, check, most, strip, tiles};

/// Any processor.
#[derive(Clone, Copy)]
pub struct Plain;

#[derive(Clone, Copy)]
struct Eight([f32; 8]);

impl Vector for Eight {
    const LANES: usize = 8;
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
    unsafe fn splat(value: f32) -> Self {
        Eight([value; 8])
    }
    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        let fused = cfg!(target_arch = "aarch64");
        let lane = |i: usize| if fused { a.0[i].mul_add(b.0[i], self.0[i]) } else { a.0[i] * b.0[i] + self.0[i] };
        Eight(std::array::from_fn(lane))
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Eight(std::array::from_fn(|i| self.0[i] + b.0[i]))
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Eight(std::array::from_fn(|i| self.0[i] - b.0[i]))
    }
}

impl Simd for Plain {
    const LANES: usize = 8;

    fn rows(vectors: usize) -> usize {
        if vectors == 1 { 4 } else { 2 }
    }

    fn strip(self, s: &Strip, runs: &[Run], a: &[f32], b: &[f32], c: &mut [f32]) {
        check::<Self>(s, runs, a, b, c);
        /// # Safety
        /// As [`tiles`].
        unsafe fn plain<const R: usize, const N: usize>(
            s: &Strip,
            part: Tiles,
            runs: &[Run],
            a: &[f32],
            b: &[f32],
            c: &mut [f32],
        ) {
            // SAFETY: the caller's promise.
            unsafe { tiles::<Eight, R, N>(s, part, runs, a, b, c) }
        }
        strip!(plain, s, (runs, a, b, c), 1: [1 2 3 4], 2: [1 2]);
    }

    fn vectors<K: VectorTask>(self, task: K) {
        // SAFETY: arrays need no special instructions.
        unsafe { task.run::<Eight>() }
    }
}
