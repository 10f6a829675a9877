//! How files of pictures are read: nothing of it changes what a training computes.

/// The bytes of decoded pictures that are kept where nobody says it.
const CACHE: u64 = 2 << 30;

/// The bytes of encoded pictures of Parquet that are kept where nobody says how much may be.
const ENCODED: u64 = CACHE / 2;

/// How the files of a data set are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// How many bytes of decoded pictures are kept in memory.
    pub cache: u64,
    /// How many bytes of encoded pictures of Parquet are kept in memory, which is all where files have no more together.
    pub encoded: u64,
    /// Whether a picture that cannot be used ends what is done; otherwise it is left out, and told of.
    pub strict: bool,
}

impl Default for Access {
    fn default() -> Self {
        Self { cache: CACHE, encoded: ENCODED, strict: false }
    }
}
