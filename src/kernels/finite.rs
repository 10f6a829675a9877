//! Whether numbers are finite.
use super::elem::Elem;
use super::path::{Path, multiversion};
use rayon::prelude::*;

/// Numbers that one thread looks at at a time.
const PIECE: usize = 1 << 16;

/// Whether none is an infinity or not a number.
pub fn finite<T: Elem>(values: &[T]) -> bool {
    T::as_f32(values).map_or_else(|| values.iter().all(|x| x.to_f64().is_finite()), singles)
}

fn singles(values: &[f32]) -> bool {
    if values.len() <= PIECE {
        return all_finite(Path::current(), values);
    }
    values.par_chunks(PIECE).all(|piece| all_finite(Path::current(), piece))
}

multiversion! {
    /// Whether the exponent of every number is less than the largest, which is that of infinities and of what is no number.
    fn all_finite<const FMA: bool>(values: &[f32]) -> bool {
        const LANES: usize = 32;
        const EXPONENT: u32 = 0x7f80_0000;
        let (blocks, rest) = values.as_chunks::<LANES>();
        let mut largest = [0u32; LANES];
        for block in blocks {
            for (largest, x) in largest.iter_mut().zip(block) {
                *largest = (*largest).max(x.to_bits() & EXPONENT);
            }
        }
        largest.iter().all(|bits| *bits < EXPONENT) && rest.iter().all(|x| x.is_finite())
    }
}
