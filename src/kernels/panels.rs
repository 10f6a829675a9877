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

/// Splits `len` into pieces (start, length) of nearly equal length, none above `max`, the longer first.
pub fn split(len: usize, max: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    let [(long, first), (short, rest)] = lengths(len, max);
    (0..first + rest).map(move |i| (i * short + i.min(first), if i < first { long } else { short }))
}

/// The lengths of the pieces that [`split`] makes, and how many there are of each.
pub fn lengths(len: usize, max: usize) -> [(usize, usize); 2] {
    let pieces = len.div_ceil(max);
    let short = len / pieces.max(1);
    let long = len - short * pieces;
    [(short + 1, long), (short, pieces - long)]
}
