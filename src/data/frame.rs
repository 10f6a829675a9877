//! What is known of a picture before it is there.

use super::CHANNELS;

/// The size of what a pipeline is given, and its channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Height and width that the data set is taken to have: what views are relative to.
    pub size: (usize, usize),
    /// Whether every picture has them; photographs have sizes of their own.
    pub same: bool,
    /// Channels that every picture has.
    pub channels: usize,
}

impl Frame {
    /// Of pictures in colour that all have this height and width.
    pub const fn fixed(size: (usize, usize)) -> Self {
        Self { size, same: true, channels: CHANNELS }
    }

    /// The same for pictures that another data set takes for `theirs`.
    pub(super) fn seeing(self, theirs: Self) -> Self {
        Self { same: theirs.same && theirs.size == self.size, ..self }
    }

    /// Of pictures in colour of any size that are taken for ones of this height and width.
    pub const fn nominal(size: (usize, usize)) -> Self {
        Self { size, same: false, channels: CHANNELS }
    }

    /// The same of pictures with so many channels.
    pub const fn of(self, channels: usize) -> Self {
        Self { channels, ..self }
    }
}

impl Default for Frame {
    fn default() -> Self {
        Self::fixed((0, 0))
    }
}
