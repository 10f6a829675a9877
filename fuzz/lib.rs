//! What the fuzz targets share: what each does stands in `targets.rs`, which the tests of the crate use, too.

use std::path::PathBuf;

mod targets;

pub use targets::{check, checkpoint, layout, read_data};

/// A folder for the files of this process.
pub fn folder() -> PathBuf {
    std::env::temp_dir().join(format!("sslrun-fuzz-{}", std::process::id()))
}
