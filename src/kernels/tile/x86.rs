//! AVX2 with FMA, and AVX-512.
use std::arch::x86_64::*;

use super::{Run, Simd, Strip, Tiles, Vector, VectorTask, check, most, strip, tiles};
use crate::kernels::path::{Avx2, Avx512};

macro_rules! vector {
    ($type:ty, $lanes:literal, $load:ident, $store:ident, $splat:ident, $fma:ident, $add:ident, $sub:ident) => {
        impl Vector for $type {
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn load(p: *const f32) -> Self {
                // SAFETY: the caller's promise of the instructions and of the memory.
                unsafe { $load(p) }
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut f32) {
                // SAFETY: the caller's promise of the instructions and of the memory.
                unsafe { $store(p, self) }
            }
            #[inline(always)]
            unsafe fn splat(value: f32) -> Self {
                // SAFETY: the caller's promise of the instructions.
                unsafe { $splat(value) }
            }
            #[inline(always)]
            unsafe fn add_product(self, a: Self, b: Self) -> Self {
                // SAFETY: the caller's promise of the instructions.
                unsafe { $fma(a, b, self) }
            }
            #[inline(always)]
            unsafe fn add(self, b: Self) -> Self {
                // SAFETY: the caller's promise of the instructions.
                unsafe { $add(self, b) }
            }
            #[inline(always)]
            unsafe fn sub(self, b: Self) -> Self {
                // SAFETY: the caller's promise of the instructions.
                unsafe { $sub(self, b) }
            }
            #[inline(always)]
            unsafe fn turn_round(columns: *const f32, apart: usize, rows: *mut f32, width: usize) {
                // SAFETY: the caller's promise of the instructions and of the memory.
                unsafe { turn_round(columns, apart, rows, width) }
            }
            #[inline(always)]
            fn prefetch(p: *const f32) {
                // SAFETY: a prefetch of any address whatever is no access.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
            }
        }
    };
}
vector!(__m512, 16, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_add_ps, _mm512_sub_ps);
vector!(__m256, 8, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_add_ps, _mm256_sub_ps);

/// [`Vector::turn_round`] in eight registers: pairs, then fours, then halves change places.
///
/// # Safety
/// As there; the processor has AVX.
#[inline(always)]
unsafe fn turn_round(columns: *const f32, apart: usize, rows: *mut f32, width: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut pairs = [_mm256_setzero_ps(); 8];
        for i in 0..4 {
            let (a, b) =
                (_mm256_loadu_ps(columns.add(2 * i * apart)), _mm256_loadu_ps(columns.add((2 * i + 1) * apart)));
            pairs[2 * i] = _mm256_unpacklo_ps(a, b);
            pairs[2 * i + 1] = _mm256_unpackhi_ps(a, b);
        }
        for half in 0..2 {
            // Rows `2 half` and `2 half + 1` of either lane, columns 0 to 3 and 4 to 7.
            let (a, b) = (pairs[half], pairs[half + 2]);
            let (c, d) = (pairs[half + 4], pairs[half + 6]);
            let low = [_mm256_shuffle_ps::<0x44>(a, b), _mm256_shuffle_ps::<0xee>(a, b)];
            let high = [_mm256_shuffle_ps::<0x44>(c, d), _mm256_shuffle_ps::<0xee>(c, d)];
            for i in 0..2 {
                let row = 2 * half + i;
                _mm256_storeu_ps(rows.add(row * width), _mm256_permute2f128_ps::<0x20>(low[i], high[i]));
                _mm256_storeu_ps(rows.add((row + 4) * width), _mm256_permute2f128_ps::<0x31>(low[i], high[i]));
            }
        }
    }
}

/// # Safety
/// As [`tiles`].
#[target_feature(enable = "avx512f")]
unsafe fn avx512<const R: usize, const N: usize>(
    s: &Strip,
    part: Tiles,
    runs: &[Run],
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
) {
    // SAFETY: the caller's promise.
    unsafe { tiles::<__m512, R, N>(s, part, runs, a, b, c) }
}

/// # Safety
/// The processor has these instructions.
#[target_feature(enable = "avx512f")]
unsafe fn avx512_vectors<K: VectorTask>(task: K) {
    // SAFETY: the caller's promise.
    unsafe { task.run::<__m512>() }
}

/// # Safety
/// As [`tiles`].
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<const R: usize, const N: usize>(
    s: &Strip,
    part: Tiles,
    runs: &[Run],
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
) {
    // SAFETY: the caller's promise.
    unsafe { tiles::<__m256, R, N>(s, part, runs, a, b, c) }
}

/// # Safety
/// The processor has these instructions.
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2_vectors<K: VectorTask>(task: K) {
    // SAFETY: the caller's promise.
    unsafe { task.run::<__m256>() }
}

impl Simd for Avx512 {
    const LANES: usize = 16;

    fn rows(vectors: usize) -> usize {
        if vectors == 1 { 16 } else { 12 }
    }

    fn strip(self, s: &Strip, runs: &[Run], a: &[f32], b: &[f32], c: &mut [f32]) {
        check::<Self>(s, runs, a, b, c);
        strip!(avx512, s, (runs, a, b, c),
            1: [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16], 2: [1 2 3 4 5 6 7 8 9 10 11 12]);
    }

    fn vectors<K: VectorTask>(self, task: K) {
        // SAFETY: the proof is of these instructions.
        unsafe { avx512_vectors(task) }
    }
}

impl Simd for Avx2 {
    const LANES: usize = 8;

    fn rows(vectors: usize) -> usize {
        if vectors == 1 { 12 } else { 6 }
    }

    fn strip(self, s: &Strip, runs: &[Run], a: &[f32], b: &[f32], c: &mut [f32]) {
        check::<Self>(s, runs, a, b, c);
        strip!(avx2, s, (runs, a, b, c), 1: [1 2 3 4 5 6 7 8 9 10 11 12], 2: [1 2 3 4 5 6]);
    }

    fn vectors<K: VectorTask>(self, task: K) {
        // SAFETY: the proof is of these instructions.
        unsafe { avx2_vectors(task) }
    }
}
