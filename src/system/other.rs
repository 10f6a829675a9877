//! Windows, and whatever else is not of Unix's kind.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use signal_hook::consts::{SIGINT, SIGTERM};

use super::Request;

/// The bytes that are free where a path lies: the standard library does not tell.
pub fn free_space(_: &Path) -> Option<u64> {
    None
}

/// Whether a path leads to the file that is open. An open file can neither be moved nor removed here: it does if there is one.
pub fn is_same_file(_: &File, path: &Path) -> bool {
    path.is_file()
}

/// Where an open file lies by now: where it was.
pub fn path_of(_: &File) -> Option<PathBuf> {
    None
}

/// Whether a file has other names beside the one it was found by: the standard library does not tell.
pub fn has_other_names(_: &Metadata) -> bool {
    false
}

/// What a new file allows: what its folder does.
pub fn for_everybody() -> Option<Permissions> {
    None
}

/// Gives a file the attributes of the one that it replaces.
pub fn take_after(file: &File, old: &Metadata) -> io::Result<()> {
    file.set_permissions(old.permissions())
}

/// Hears Ctrl-C and the request to end from now on. The system calls on a thread of its own.
pub fn listen(hear: impl Fn(Request) + Send + Sync + 'static) -> io::Result<()> {
    let hear = Arc::new(hear);
    for (signal, request) in [(SIGINT, Request::Interrupt), (SIGTERM, Request::End)] {
        let hear = hear.clone();
        // SAFETY: no signal interrupts a thread here: the system calls a handler as a function on a new thread.
        unsafe { signal_hook::low_level::register(signal, move || hear(request))? };
    }
    Ok(())
}

/// There is no limit on file sizes to survive.
pub fn survive_file_limits() {}
