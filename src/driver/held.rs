//! A folder that one process alone works in: it is locked, and the lock ends with the process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Failure, RunFolder};
use crate::report::{is_part, sweep};
use crate::source::open_file;
use crate::system::{is_same_file, path_of};
use crate::train::{Control, Place};

/// The file that is locked; it names the process that holds the lock.
const LOCK: &str = ".lock";
/// How often it is looked whether a folder has become free.
const LOOKED: Duration = Duration::from_millis(100);

/// The folder of a run, or of a comparison, as long as this process works in it.
#[derive(Debug)]
pub struct Held {
    folder: RunFolder,
    /// Locked until it is closed, by whatever end.
    lock: File,
}

impl Deref for Held {
    type Target = RunFolder;

    fn deref(&self) -> &RunFolder {
        &self.folder
    }
}

impl Held {
    /// A new folder: `out`, which must not exist or be empty, or the first free `runs/NAME-1`, `runs/NAME-2`, ...
    pub fn create(out: Option<&Path>, name: &str) -> Result<Self, Failure> {
        if let Some(out) = out {
            return Self::claim(out);
        }
        let runs = Path::new("runs");
        std::fs::create_dir_all(runs).map_err(|e| cannot("make", runs, &e))?;
        for number in 1.. {
            let path = runs.join(format!("{name}-{number}"));
            match std::fs::create_dir(&path) {
                Ok(()) => return Self::claim(&path),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(cannot("make", &path, &e)),
            }
        }
        Err(Failure::run("every number of a run is taken"))
    }

    /// A folder in which nothing lies but, perhaps, what a run has left that ended before it had begun.
    fn claim(out: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(out).map_err(|e| cannot("make", out, &e))?;
        let names = entries(out)?;
        if !is_left_over(&names) {
            let path = out.display();
            let message = format!("{path} is there already and not empty: a run overwrites nothing");
            let help = format!("choose another `--out`, or go on with that run by `--resume {path}`");
            return Err(Failure::run(message).help(help));
        }
        let held = Self::hold(out)?;
        // Between the look and the lock another process may have come and gone.
        if !is_left_over(&entries(out)?) { Self::claim(out) } else { Ok(held) }
    }

    /// Whether nothing lies in a folder but, perhaps, what a run has left that ended before it had begun; or there is none.
    pub fn is_free(path: &Path) -> bool {
        !path.exists() || entries(path).is_ok_and(|names| is_left_over(&names))
    }

    /// The folder of an earlier comparison, to go on with.
    pub fn again(path: &Path) -> Result<Self, Failure> {
        Self::hold(path)
    }

    /// The folder of an earlier run, to go on with.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        RunFolder::open(path)?;
        Self::hold(path)
    }

    /// A folder that other processes may have made, may be at work in, or may have left; it is waited for until it is free, and
    /// `waits` is told of that once. Nothing where `control` stops before.
    pub fn shared(path: &Path, control: &Control, mut waits: impl FnMut()) -> Result<Option<Self>, Failure> {
        std::fs::create_dir_all(path).map_err(|e| cannot("make", path, &e))?;
        let mut told = false;
        loop {
            if let Some(lock) = lock(path)? {
                return Ok(Some(Self::locked(path, lock)));
            }
            if !std::mem::replace(&mut told, true) {
                waits();
            }
            if control.stops() {
                return Ok(None);
            }
            std::thread::sleep(LOOKED);
        }
    }

    fn hold(path: &Path) -> Result<Self, Failure> {
        match lock(path)? {
            Some(lock) => Ok(Self::locked(path, lock)),
            None => {
                let message = format!("another process{} is at work on {}", holder(path), path.display());
                Err(Failure::run(message).help("wait for it, or stop it"))
            }
        }
    }

    fn locked(path: &Path, mut lock: File) -> Self {
        // Only for people: the lock holds without.
        let _ = lock.set_len(0).and_then(|()| lock.write_all(std::process::id().to_string().as_bytes()));
        let folder = RunFolder::at(path);
        sweep(path);
        sweep(&folder.checkpoints());
        sweep(&path.join("tensorboard"));
        Self { folder, lock }
    }

    /// Where the folder has been moved to, if the system knows that.
    pub fn moved_to(&self) -> Option<PathBuf> {
        let moved = path_of(&self.lock)?.parent()?.to_owned();
        (self.is_at(&moved) && moved != self.folder.path()).then_some(moved)
    }

    /// Whether the folder of that path is this one.
    fn is_at(&self, path: &Path) -> bool {
        is_same_file(&self.lock, &path.join(LOCK))
    }
}

impl Place for Held {
    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn is_there(&self) -> bool {
        self.is_at(self.folder.path())
    }
}

/// Whether a process works in a folder. Where the system has no locks, a record that says so is believed.
pub(super) fn is_held(path: &Path) -> bool {
    let Ok(lock) = open_file(&path.join(LOCK)) else { return false };
    // Shared, so that others may look at the same time.
    match lock.try_lock_shared() {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(e)) => e.kind() == ErrorKind::Unsupported,
    }
}

/// Locks a folder; nothing where another process has locked it.
fn lock(path: &Path) -> Result<Option<File>, Failure> {
    let file = path.join(LOCK);
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(&file);
    let open = open.map_err(|e| cannot("write", &file, &e))?;
    match open.try_lock() {
        Ok(()) => Ok(Some(open)),
        Err(TryLockError::WouldBlock) => Ok(None),
        // Some file systems have no locks: then nothing keeps two processes apart there.
        Err(TryLockError::Error(e)) if e.kind() == ErrorKind::Unsupported => Ok(Some(open)),
        Err(TryLockError::Error(e)) => Err(cannot("lock", &file, &e)),
    }
}

/// The process that holds a folder, as far as it has said so.
fn holder(path: &Path) -> String {
    let number = std::fs::read_to_string(path.join(LOCK)).ok().and_then(|text| text.trim().parse::<u32>().ok());
    number.map_or_else(String::new, |number| format!(" ({number})"))
}

fn entries(path: &Path) -> Result<Vec<String>, Failure> {
    let entries = std::fs::read_dir(path).map_err(|e| cannot("read", path, &e))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// Whether files of those names are what a run leaves that ends before it has begun, when it writes its recipe.
fn is_left_over(names: &[String]) -> bool {
    const FILES: [&str; 6] = [LOCK, "run.ron", "metrics.jsonl", "metrics.csv", "tensorboard", "checkpoints"];
    let ours = |name: &String| FILES.contains(&name.as_str()) || is_part(name) || name.starts_with("frozen-");
    names.is_empty() || names.iter().any(|name| name == LOCK) && names.iter().all(ours)
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::run(format!("cannot {what} {}: {error}", path.display()))
}
