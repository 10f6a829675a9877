//! Filling tensors with random numbers, each a function of the seed and its position alone.
use super::elem::Elem;
use super::parallel::{self, CHUNK};
use crate::random::{normal_pair_at, uniform_at};

/// Fills `out` with numbers uniform in `[0, 1)`: those at the positions from `first` on of what the seed draws.
pub fn uniform<T: Elem>(seed: u64, first: u64, out: &mut [T]) {
    parallel::chunks(out, CHUNK, |start, out| {
        for (i, o) in out.iter_mut().enumerate() {
            let v = T::from_f64(uniform_at(seed, first + (start + i) as u64));
            // Rounding to f32 may reach 1.
            *o = if v < T::ONE { v } else { T::ZERO };
        }
    });
}

/// Fills `out` with standard normal numbers, likewise.
pub fn randn<T: Elem>(seed: u64, first: u64, out: &mut [T]) {
    parallel::chunks(out, CHUNK, |start, out| {
        let start = first + start as u64;
        // Numbers are drawn in pairs: a stretch may begin with the second of one.
        let odd = (start % 2) as usize;
        let (head, rest) = out.split_at_mut(odd.min(out.len()));
        head.iter_mut().for_each(|o| *o = T::from_f64(normal_pair_at(seed, start / 2).1));
        for (i, pair) in rest.chunks_mut(2).enumerate() {
            let (a, b) = normal_pair_at(seed, start.div_ceil(2) + i as u64);
            for (o, v) in pair.iter_mut().zip([a, b]) {
                *o = T::from_f64(v);
            }
        }
    });
}
