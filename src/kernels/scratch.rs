//! Scratch memory whose vectors do not straddle cache lines, and which is kept from call to call: touching fresh pages takes longer than
//! many a convolution.
use std::sync::Mutex;

/// A reusable stretch of memory, aligned to a cache line.
#[derive(Default)]
pub struct Buffer {
    data: Vec<f32>,
    skip: usize,
    len: usize,
}

impl Buffer {
    /// So many zeros.
    pub fn zeros(len: usize) -> Self {
        let mut buffer = Buffer::default();
        buffer.reset(len).fill(0.0);
        buffer
    }

    /// Room for so many values, whatever they are; growing moves nothing over.
    pub fn reset(&mut self, len: usize) -> &mut [f32] {
        if self.data.len() < len + LINE {
            keep(std::mem::take(&mut self.data));
            self.data = kept(len + LINE).unwrap_or_else(|| vec![0.0; len + LINE]);
            self.skip = self.data.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        }
        self.len = len;
        self
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        keep(std::mem::take(&mut self.data));
    }
}

/// Memory that waits to be used again: what is in it is never read, so nothing depends on who had it before.
static KEPT: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());
/// Pieces that are kept at most.
const MOST: usize = 64;

/// The smallest piece of at least `len` values; where none is, the largest is let go, for a larger will be kept.
fn kept(len: usize) -> Option<Vec<f32>> {
    let mut all = KEPT.lock().ok()?;
    let fits = (0..all.len()).filter(|&i| all[i].len() >= len).min_by_key(|&i| all[i].len());
    match fits {
        Some(i) => Some(all.swap_remove(i)),
        None => {
            if let Some(i) = (0..all.len()).max_by_key(|&i| all[i].len()) {
                all.swap_remove(i);
            }
            None
        }
    }
}

/// Keeps a piece of memory.
fn keep(data: Vec<f32>) {
    if let (Ok(mut all), false) = (KEPT.lock(), data.is_empty())
        && all.len() < MOST
    {
        all.push(data);
    }
}

/// Values in a cache line.
pub const LINE: usize = 16;

impl std::ops::Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.data[self.skip..self.skip + self.len]
    }
}

impl std::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.data[self.skip..self.skip + self.len]
    }
}

/// A number of cache lines that is odd, so that what lies so far apart does not fight for the same ones.
pub fn odd_lines(values: usize) -> usize {
    (values.div_ceil(LINE) | 1) * LINE
}

/// Copies a few values, whose number is nearly always one of these.
#[inline(always)]
pub fn copy_few(from: &[f32], to: &mut [f32]) {
    match to.len() {
        6 => copy::<6>(from, to),
        12 => copy::<12>(from, to),
        16 => copy::<16>(from, to),
        32 => copy::<32>(from, to),
        _ => to.iter_mut().zip(from).for_each(|(t, &f)| *t = f),
    }
}

#[inline(always)]
fn copy<const N: usize>(from: &[f32], to: &mut [f32]) {
    if let (Some(from), Some(to)) = (from.first_chunk::<N>(), to.first_chunk_mut::<N>()) {
        *to = *from;
    }
}
