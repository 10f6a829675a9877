//! What differs from one operating system to another: memory, the room on a disk, what a file is apart from its path, signals. The rest
//! of the program asks here.

mod memory;
#[cfg(unix)]
#[path = "unix.rs"]
mod native;
#[cfg(not(unix))]
#[path = "other.rs"]
mod native;

pub use memory::{Bound, bounds, free, most, peak};
pub use native::{
    for_everybody, free_space, has_other_names, is_same_file, listen, path_of, survive_file_limits, take_after,
};

/// What a signal asks of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// To stop, by a person at the keyboard (Ctrl-C).
    Interrupt,
    /// To stop, by the end of a terminal or by a system that is about to kill it.
    End,
    /// To save what there is, and to go on.
    Save,
}
