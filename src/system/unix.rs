//! Linux, macOS and others of Unix's kind.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

use super::Request;

/// The bytes that are free for this user where a path lies; `None` where the system does not say.
pub fn free_space(path: &Path) -> Option<u64> {
    rustix::fs::statvfs(path).ok().map(|found| found.f_bavail * found.f_frsize)
}

/// Whether a path leads to the file that is open, by whatever name.
pub fn is_same_file(open: &File, path: &Path) -> bool {
    let id = |meta: Metadata| (meta.dev(), meta.ino());
    open.metadata().is_ok_and(|ours| std::fs::metadata(path).is_ok_and(|found| id(ours) == id(found)))
}

/// Where an open file lies by now, if the system knows that.
pub fn path_of(open: &File) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{}", open.as_raw_fd())).ok()
}

/// Whether a file has other names beside the one it was found by.
pub fn has_other_names(file: &Metadata) -> bool {
    file.nlink() > 1
}

/// What a new file allows, before the user's mask.
pub fn for_everybody() -> Option<Permissions> {
    Some(Permissions::from_mode(0o666))
}

/// Gives a file mode and owner of the one that it replaces.
pub fn take_after(file: &File, old: &Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // Only root may give a file away.
        let _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
    file.set_permissions(old.permissions())
}

/// Hears signals from now on, on a thread of its own: Ctrl-C, the end of a terminal (unless the program was started by `nohup`), what
/// batch systems send before they kill, and SIGUSR1, which asks to save.
pub fn listen(hear: impl Fn(Request) + Send + Sync + 'static) -> io::Result<()> {
    let hang_up = (!ignored(SIGHUP)).then_some(SIGHUP);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGUSR1].into_iter().chain(hang_up))?;
    let heard = move || {
        for signal in signals.forever() {
            hear(match signal {
                SIGUSR1 => Request::Save,
                SIGINT => Request::Interrupt,
                _ => Request::End,
            });
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(heard).map(|_| ())
}

/// Whether whoever started the program wanted it to hear nothing of a signal.
fn ignored(signal: i32) -> bool {
    // SAFETY: no handler is set; the old one is written to a place of the right type, for which zeros are a value.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut old) == 0 && old.sa_sigaction == libc::SIG_IGN
    }
}

/// Lets a write beyond the limit on file sizes fail as one to a full disk does, instead of killing the program.
pub fn survive_file_limits() {
    // What cannot be registered leaves the system's default.
    let _ = signal_hook::flag::register(libc::SIGXFSZ, Arc::default());
}
