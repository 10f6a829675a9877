//! `sslrun doctor`: what of this machine the program has and uses.

use std::path::Path;

use super::{Exit, output, run};
use crate::driver::{Failure, engine_name};
use crate::exec::EngineKind;
use crate::report::bytes;
use crate::simd;
use crate::system::bounds;
use crate::threads;

/// Prints version, cores, vector instructions, memory, threads, engine, and where files can be written. Nothing here fails: what cannot
/// be found out is said to be unknown.
pub fn doctor() -> Result<Exit, Failure> {
    run::start_threads(None)?;
    let mut lines = vec![
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("system", format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH)),
        ("cores", format!("{} that this process may use", threads::cores())),
        ("threads", format!("{} compute; `--threads` sets at most {}", rayon::current_num_threads(), threads::most())),
        ("instructions", instructions()),
        ("engine", format!("{}, unless `--engine` names another", engine_name(EngineKind::default()))),
    ];
    lines.extend(memory());
    let (temporary, here) = (std::env::temp_dir(), Path::new(".").to_owned());
    lines.extend([("temporary", temporary), ("this folder", here)].map(|(name, folder)| (name, writable(&folder))));
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    output::result(&lines.iter().map(|(name, text)| format!("{name:width$}  {text}\n")).collect::<String>())?;
    Ok(Exit::Fine)
}

/// The vector instructions in use, and all that the processor has.
fn instructions() -> String {
    let all: Vec<&str> = simd::Path::available().into_iter().map(simd::Path::name).collect();
    let used = simd::Path::current().name();
    format!("{used}; `SSLRUN_KERNELS` may name another of {}", all.join(", "))
}

/// Everything that bounds the memory, each with what it allows and what of that is free.
fn memory() -> Vec<(&'static str, String)> {
    let known = |n: Option<u64>| n.map_or_else(|| "unknown".to_owned(), bytes);
    let bounds = bounds().into_iter().filter(|bound| bound.most.is_some() || bound.left.is_some());
    let lines =
        bounds.map(|b| ("memory", format!("{}: {}, of which {} are free", b.whose, known(b.most), known(b.left))));
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() { vec![("memory", "unknown: this system does not say".to_owned())] } else { lines }
}

/// Whether files can be written into a folder, tried.
fn writable(folder: &Path) -> String {
    let shown = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    match tempfile::tempfile_in(folder) {
        Ok(_) => format!("{}, can be written to", shown.display()),
        Err(e) => format!("{}, cannot be written to: {e}", shown.display()),
    }
}
