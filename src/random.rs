//! Seeded random numbers: a small sequential generator, and a counter-based one addressable by position.

mod normal;

use crate::simd::Path;
use normal::{PAIRS, normal_pairs};

/// A sequential generator (xoshiro256++, Blackman & Vigna 2019) whose stream is a function of the numbers it is seeded with.
#[derive(Clone, Debug)]
pub struct Rng {
    state: [u64; 4],
    spare: Option<f64>,
}

impl Rng {
    /// The stream that belongs to these numbers in this order, such as `(seed, epoch, sample, view)`.
    pub fn new(seeds: &[u64]) -> Self {
        let mut key = seeds.iter().fold(GOLDEN, |key, &seed| mix(key.rotate_left(17) ^ mix(seed.wrapping_add(GOLDEN))));
        let state = std::array::from_fn(|_| {
            key = key.wrapping_add(GOLDEN);
            mix(key)
        });
        Rng { state, spare: None }
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number uniform in `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        unit(self.next_u64())
    }

    /// A number uniform in `[low, high)`.
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// A standard normal number (Box & Muller 1958; the second of each pair is kept for the next call).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let (first, second) = normal_pair(self.next_u64(), self.next_u64());
        self.spare = Some(second);
        first
    }

    /// The numbers of as many calls of [`Rng::normal`] up to rounding, in far less time.
    pub fn normals(&mut self, out: &mut [f64]) {
        let (head, out) = out.split_at_mut(usize::from(self.spare.is_some()).min(out.len()));
        let (blocks, tail) = out.as_chunks_mut::<{ 2 * PAIRS }>();
        head.fill_with(|| self.normal());
        for block in blocks {
            let (mut first, mut second) = ([0.0; PAIRS], [0.0; PAIRS]);
            for (a, b) in first.iter_mut().zip(&mut second) {
                (*a, *b) = (self.uniform(), self.uniform());
            }
            normal_pairs(Path::current(), &mut first, &mut second);
            for (pair, (a, b)) in block.as_chunks_mut::<2>().0.iter_mut().zip(first.into_iter().zip(second)) {
                *pair = [a, b];
            }
        }
        tail.fill_with(|| self.normal());
    }

    /// A whole number uniform in `0..n`, without bias (Lemire 2019); 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        loop {
            let wide = u128::from(self.next_u64()) * u128::from(n);
            let low = wide as u64;
            if low >= n || low >= n.wrapping_neg().checked_rem(n).unwrap_or(0) {
                return (wide >> 64) as usize;
            }
        }
    }

    /// Shuffles the items in place, every order equally likely (Fisher & Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }

    /// The numbers `0..n` in a random order.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }
}

/// The 64 random bits at position `index` of the stream `seed`: any position can be asked for, in any order.
pub fn bits_at(seed: u64, index: u64) -> u64 {
    mix(mix(seed ^ GOLDEN).wrapping_add(index.wrapping_mul(GOLDEN)))
}

/// The number, uniform in `[0, 1)`, at position `index` of the stream `seed`.
pub fn uniform_at(seed: u64, index: u64) -> f64 {
    unit(bits_at(seed, index))
}

/// The two independent standard normal numbers at positions `2 * pair` and `2 * pair + 1` of the stream `seed`.
pub fn normal_pair_at(seed: u64, pair: u64) -> (f64, f64) {
    normal_pair(bits_at(seed, 2 * pair), bits_at(seed, 2 * pair + 1))
}

/// A number made of bytes, equal for equal bytes and, for all that happens by chance, for no others: the same in every version and on every
/// machine.
#[derive(Clone, Copy, Debug)]
pub struct Digest(u64);

impl Digest {
    /// Of nothing so far.
    pub fn new() -> Self {
        Digest(GOLDEN)
    }

    /// Takes a number in.
    pub fn word(&mut self, word: u64) {
        self.0 = mix(self.0.rotate_left(17) ^ word).wrapping_add(GOLDEN);
    }

    /// Takes bytes and their number in.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.word(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last));
        self.word(bytes.len() as u64);
    }

    /// The number.
    pub fn finish(self) -> u64 {
        self.0
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

/// One seed made of several numbers, to derive streams from streams.
pub fn derive(seeds: &[u64]) -> u64 {
    Rng::new(seeds).next_u64()
}

/// The golden ratio as a 64-bit fraction: the step of splitmix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of splitmix64 (Steele, Lea & Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The upper 53 bits as a fraction in `[0, 1)`.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

fn normal_pair(a: u64, b: u64) -> (f64, f64) {
    let radius = (-2.0 * (1.0 - unit(a)).ln()).sqrt();
    let (sin, cos) = (std::f64::consts::TAU * unit(b)).sin_cos();
    (radius * cos, radius * sin)
}
