//! The one block of memory in which a plan's values lie.

use crate::exec::Real;

/// A block that begins at a cache line, so that the buffers in it do.
pub struct Arena<T> {
    values: Vec<T>,
    start: usize,
}

/// Bytes of a cache line.
const LINE: usize = 64;

impl<T: Real> Arena<T> {
    /// A block of `len` zeros.
    pub fn new(len: usize) -> Self {
        let values = vec![T::ZERO; len + LINE / size_of::<T>()];
        // Where a vector lies does not change until it grows; an allocator that cannot tell leaves the start where it is.
        let start = Some(values.as_ptr().align_offset(LINE)).filter(|&start| start <= values.len() - len).unwrap_or(0);
        Self { values, start }
    }

    /// Its numbers.
    pub fn numbers(&self) -> &[T] {
        &self.values[self.start..]
    }

    /// Its numbers, to be changed.
    pub fn numbers_mut(&mut self) -> &mut [T] {
        &mut self.values[self.start..]
    }
}
