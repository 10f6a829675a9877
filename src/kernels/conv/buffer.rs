//! Scratch memory whose vectors do not straddle cache lines.

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
            self.data = vec![0.0; len + LINE];
            self.skip = self.data.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        }
        self.len = len;
        self
    }
}

/// Values in a cache line.
const LINE: usize = 16;

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

/// Copies the channels of a block, whose number is nearly always 16 or 32.
#[inline(always)]
pub fn copy_channels(from: &[f32], to: &mut [f32]) {
    match to.len() {
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
