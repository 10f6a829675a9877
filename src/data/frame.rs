//! What is known of the size of a picture before it is there.

/// The size of what a pipeline is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Height and width that the data set is taken to have: what views are relative to.
    pub size: (usize, usize),
    /// Whether every picture has them; photographs have sizes of their own.
    pub same: bool,
}

impl Frame {
    /// Of pictures that all have this height and width.
    pub fn fixed(size: (usize, usize)) -> Self {
        Self { size, same: true }
    }

    /// The same for pictures that another data set takes for `theirs`.
    pub(super) fn of(self, theirs: Self) -> Self {
        Self { same: theirs.same && theirs.size == self.size, ..self }
    }

    /// Of pictures of any size that are taken for ones of this height and width.
    pub fn nominal(size: (usize, usize)) -> Self {
        Self { size, same: false }
    }
}

impl Default for Frame {
    fn default() -> Self {
        Self::fixed((0, 0))
    }
}
