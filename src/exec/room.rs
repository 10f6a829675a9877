//! Whether the machine has the memory for what is about to be held. Systems promise memory that they do not have, and end the program
//! that uses it: so it is asked before.

use super::ExecError;
use crate::compile::bytes;
use crate::system::free;

/// An error with both numbers where `what` takes more bytes than the machine, or a limit of this process, leaves free. A system that
/// does not tell is believed.
pub fn claim(what: &str, size: usize) -> Result<(), ExecError> {
    match free() {
        Some((free, whose)) if size as u64 > free => Err(ExecError::new(format!(
            "{what} would take {}, and {whose} leaves {}: choose smaller sizes, or a smaller `batch`",
            bytes(size),
            bytes(free as usize)
        ))),
        _ => Ok(()),
    }
}
