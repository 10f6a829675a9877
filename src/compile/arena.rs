//! Places for buffers in one block of memory, so that buffers that live at the same time never overlap.

/// Buffers start at multiples of this many floats (64 bytes).
pub const ALIGNMENT: usize = 16;

/// A stretch of memory and the steps during which it holds a value, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Its length in floats.
    pub len: usize,
    /// The step that writes it first.
    pub birth: usize,
    /// The last step that reads or writes it.
    pub death: usize,
}

impl Buffer {
    /// Whether both hold a value at some step.
    pub fn meets(&self, other: &Buffer) -> bool {
        self.birth <= other.death && other.birth <= self.death
    }

    /// The room it takes.
    fn room(&self) -> usize {
        self.len.max(1).next_multiple_of(ALIGNMENT)
    }
}

/// An offset for each buffer, and the length of the whole arena in floats.
///
/// The largest buffers come first, each into the smallest gap that those alive with it leave (Pisarchyk & Lee 2020,
/// "Efficient memory management for deep neural net inference", greedy by size).
pub fn lay_out(buffers: &[Buffer]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..buffers.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(buffers[i].room()), buffers[i].birth, i));
    let mut offsets = vec![0; buffers.len()];
    let mut placed: Vec<usize> = Vec::with_capacity(buffers.len());
    let mut length = 0;
    for i in order {
        let alive = placed.iter().filter(|&&p| buffers[p].meets(&buffers[i]));
        let taken = alive.map(|&p| (offsets[p], offsets[p] + buffers[p].room()));
        offsets[i] = best_gap(taken, buffers[i].room());
        length = length.max(offsets[i] + buffers[i].room());
        let at = placed.partition_point(|&p| offsets[p] <= offsets[i]);
        placed.insert(at, i);
    }
    (offsets, length)
}

/// The fewest floats that hold all buffers, wherever they lie: those of the step at which the most are alive.
pub fn least(buffers: &[Buffer]) -> usize {
    let end = buffers.iter().map(|b| b.death + 1).max().unwrap_or(0);
    let (mut begun, mut ended) = (vec![0usize; end + 1], vec![0usize; end + 1]);
    for buffer in buffers {
        begun[buffer.birth] = begun[buffer.birth].saturating_add(buffer.room());
        ended[buffer.death + 1] = ended[buffer.death + 1].saturating_add(buffer.room());
    }
    let mut alive = 0usize;
    let held = begun.iter().zip(&ended).map(|(begun, ended)| {
        alive = alive.saturating_sub(*ended).saturating_add(*begun);
        alive
    });
    held.max().unwrap_or(0)
}

/// The start of the smallest gap of at least `room` between stretches sorted by their start, or the end of the last.
fn best_gap(taken: impl Iterator<Item = (usize, usize)>, room: usize) -> usize {
    let mut end = 0;
    let mut best: Option<(usize, usize)> = None;
    for (from, to) in taken {
        let gap = from.saturating_sub(end);
        if gap >= room && best.is_none_or(|(smallest, _)| gap < smallest) {
            best = Some((gap, end));
        }
        end = end.max(to);
    }
    best.map_or(end, |(_, start)| start)
}
