//! Output channels in panels of one or two vectors, the layout in which the inner loop reads its second operand.

/// The channels of one panel.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    /// Its first channel.
    pub first: usize,
    /// How many channels it has.
    pub cols: usize,
    /// How many vectors hold them.
    pub vectors: usize,
}

/// Splits `channels` in panels of two vectors; what is left over takes one or two.
pub fn panels(channels: usize, lanes: usize) -> Vec<Panel> {
    let panel = |first: usize| {
        let cols = (channels - first).min(2 * lanes);
        Panel { first, cols, vectors: cols.div_ceil(lanes) }
    };
    (0..channels).step_by(2 * lanes).map(panel).collect()
}

/// Splits `len` into pieces (start, length) of nearly equal size, none above `max`.
pub fn split(len: usize, max: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    let pieces = len.div_ceil(max);
    (0..pieces).map(move |i| (len * i / pieces, len * (i + 1) / pieces - len * i / pieces))
}
