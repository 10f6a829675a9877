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

/// The bytes there are, in use or not, and what sets that bound.
pub fn most() -> Option<(u64, &'static str)> {
    let text = read_to_string("/proc/meminfo").ok();
    let machine = text.and_then(|text| Some(kib(&text, "MemTotal:")? + kib(&text, "SwapTotal:").unwrap_or(0)));
    let bounds = [
        (machine, "this machine"),
        (group("memory.max").or_else(|| group("memory/memory.limit_in_bytes")), "this container"),
        (address_space(), "the limit of this process"),
    ];
    bounds.into_iter().filter_map(|(bound, whose)| Some((bound?, whose))).min_by_key(|(bound, _)| *bound)
}

/// What is free, or can be made free, and what can be swapped out.
fn machine() -> Option<u64> {
    let text = read_to_string("/proc/meminfo").ok()?;
    Some(kib(&text, "MemAvailable:")? + kib(&text, "SwapFree:").unwrap_or(0))
}

/// What the memory controller of the group of processes leaves (cgroup v2, then v1).
fn container() -> Option<u64> {
    let left = |most: &str, held: &str| Some(group(most)?.saturating_sub(group(held)?));
    left("memory.max", "memory.current")
        .or_else(|| left("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
}

/// A number of the memory controller; where it sets no bound, there is none.
fn group(path: &str) -> Option<u64> {
    read_to_string(Path::new("/sys/fs/cgroup").join(path)).ok()?.trim().parse().ok()
}

/// What `ulimit -v` leaves.
fn process() -> Option<u64> {
    let held = read_to_string("/proc/self/status").ok()?;
    Some(address_space()?.saturating_sub(kib(&held, "VmSize:")?))
}

/// What `ulimit -v` allows.
fn address_space() -> Option<u64> {
    let limits = read_to_string("/proc/self/limits").ok()?;
    field(&limits, "Max address space")?.split_whitespace().next()?.parse().ok()
}

/// The bytes of a line in KiB.
fn kib(text: &str, key: &str) -> Option<u64> {
    field(text, key)?.strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// What stands behind a word at the beginning of a line.
fn field<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim)
}
