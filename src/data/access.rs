//! How files of pictures are read: nothing of it changes what a training computes.

/// The bytes of decoded pictures that are kept where nobody says it.
const CACHE: u64 = 2 << 30;

/// How the files of a data set are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// How many bytes of decoded pictures are kept in memory.
    pub cache: u64,
    /// Whether a picture that cannot be used ends what is done; otherwise it is left out, and told of.
    pub strict: bool,
}

impl Default for Access {
    fn default() -> Self {
        Self { cache: CACHE, strict: false }
    }
}
