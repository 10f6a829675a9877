//! Whether the machine has the memory for what is about to be held. Systems promise memory that they do not have, and end the program
//! that uses it: so it is asked before.

use std::fs::read_to_string;
use std::path::Path;

use super::ExecError;
use crate::compile::bytes;

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

/// The bytes that can still be held, and what sets that bound: the machine, a container, or a limit of the process.
fn free() -> Option<(u64, &'static str)> {
    let bounds =
        [(machine(), "this machine"), (container(), "this container"), (process(), "the limit of this process")];
    bounds.into_iter().filter_map(|(bound, whose)| Some((bound?, whose))).min_by_key(|(bound, _)| *bound)
}

/// What is free, or can be made free, and what can be swapped out.
fn machine() -> Option<u64> {
    let text = read_to_string("/proc/meminfo").ok()?;
    let kib = |key: &str| field(&text, key)?.strip_suffix("kB")?.trim().parse::<u64>().ok();
    Some((kib("MemAvailable:")? + kib("SwapFree:").unwrap_or(0)) * 1024)
}

/// What the memory controller of the group of processes leaves (cgroup v2, then v1).
fn container() -> Option<u64> {
    let number = |path: &str| read_to_string(Path::new("/sys/fs/cgroup").join(path)).ok()?.trim().parse::<u64>().ok();
    let left = |most: &str, held: &str| Some(number(most)?.saturating_sub(number(held)?));
    left("memory.max", "memory.current")
        .or_else(|| left("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
}

/// What `ulimit -v` leaves.
fn process() -> Option<u64> {
    let limits = read_to_string("/proc/self/limits").ok()?;
    let most: u64 = field(&limits, "Max address space")?.split_whitespace().next()?.parse().ok()?;
    let held = read_to_string("/proc/self/status").ok()?;
    let held: u64 = field(&held, "VmSize:")?.strip_suffix("kB")?.trim().parse().ok()?;
    Some(most.saturating_sub(held * 1024))
}

/// What stands behind a word at the beginning of a line.
fn field<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim)
}
