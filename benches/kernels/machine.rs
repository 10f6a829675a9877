//! What the machine can do at most, measured: multiply-adds on registers alone, and a triad over arrays that no cache holds.

use std::fmt;
use std::hint::black_box;
use std::time::Instant;

use rayon::prelude::*;

/// The two peaks, over all threads.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Multiplications and additions a second.
    pub flops: f64,
    /// Bytes read and written a second.
    pub bytes: f64,
}

impl Machine {
    /// Measures both for about a second.
    pub fn measure() -> Self {
        Self { flops: flops(), bytes: bytes() }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peak {:.0} GF/s by registers, {:.1} GB/s by a triad", self.flops / 1e9, self.bytes / 1e9)
    }
}

/// Seconds of the fastest of some runs.
fn best(runs: usize, mut f: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        f();
        start.elapsed().as_secs_f64()
    };
    (0..runs).map(time).fold(f64::INFINITY, f64::min)
}

/// Chains of multiply-adds: enough of them that none waits for its own result.
const CHAINS: usize = 12;
const ROUNDS: usize = 4_000_000;

fn flops() -> f64 {
    let lanes = rayon::broadcast(|_| chains(1)).into_iter().sum::<usize>();
    let seconds = best(20, || drop(rayon::broadcast(|_| chains(ROUNDS))));
    (2 * CHAINS * ROUNDS * lanes) as f64 / seconds
}

/// Runs the chains on the widest registers there are; how many numbers such a register holds.
fn chains(rounds: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the instructions.
            unsafe { x86::avx512(rounds) };
            return 16;
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has the instructions.
            unsafe { x86::avx2(rounds) };
            return 8;
        }
    }
    plain(rounds);
    4
}

/// The chains without instructions of its own; four numbers fill a register of NEON or SSE.
fn plain(rounds: usize) {
    let mut sums = black_box([[1.0f32; 4]; CHAINS]);
    let (by, plus) = (black_box([0.999f32; 4]), black_box([1e-3f32; 4]));
    for _ in 0..rounds {
        for sum in &mut sums {
            for lane in 0..4 {
                sum[lane] = if cfg!(target_arch = "aarch64") {
                    sum[lane].mul_add(by[lane], plus[lane])
                } else {
                    sum[lane] * by[lane] + plus[lane]
                };
            }
        }
    }
    black_box(sums);
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    use super::CHAINS;

    #[target_feature(enable = "avx512f")]
    pub fn avx512(rounds: usize) {
        let (by, plus) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(1e-3)));
        let mut sums = [_mm512_set1_ps(black_box(1.0)); CHAINS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, by, plus);
            }
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2(rounds: usize) {
        let (by, plus) = (_mm256_set1_ps(black_box(0.999)), _mm256_set1_ps(black_box(1e-3)));
        let mut sums = [_mm256_set1_ps(black_box(1.0)); CHAINS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, by, plus);
            }
        }
        black_box(sums);
    }
}

/// Numbers of an array of the triad: 64 MiB.
const LONG: usize = 1 << 24;
const PIECE: usize = 1 << 16;

/// `a = b + s c` (McCalpin 1995, "STREAM"): what it reads and writes, without what the processor fetches to overwrite it.
fn bytes() -> f64 {
    let (b, c, mut a) = (vec![1.0f32; LONG], vec![2.0f32; LONG], vec![0.0f32; LONG]);
    let mut triad = || {
        let pieces = a.par_chunks_mut(PIECE).zip(b.par_chunks(PIECE)).zip(c.par_chunks(PIECE));
        pieces.for_each(|((a, b), c)| a.iter_mut().zip(b).zip(c).for_each(|((a, b), c)| *a = b + 3.0 * c));
    };
    triad();
    let seconds = best(8, triad);
    black_box(&a);
    (3 * 4 * LONG) as f64 / seconds
}
