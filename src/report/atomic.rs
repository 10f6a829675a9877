//! Files that are written whole or not at all.

use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Writes a file beside its place and then moves it there, so that no reader ever sees half of it; an error names the file.
pub fn write_atomically(path: &Path, contents: &[u8]) -> Result<(), String> {
    let explain = |e: std::io::Error| format!("cannot write {}: {e}", path.display());
    let name = path.file_name().ok_or_else(|| format!("cannot write {}: it names no file", path.display()))?;
    let beside = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(contents)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().map_err(|e| {
        // What is left of it is of no use; that it cannot be removed either would say nothing new.
        let _ = std::fs::remove_file(&beside);
        explain(e)
    })
}
