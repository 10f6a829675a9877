//! How much memory this process can hold, and has held, as far as the system tells (`/proc` and cgroups of Linux; others tell nothing).

use std::fs::read_to_string;
use std::path::Path;

/// Something that bounds the memory of this process, as far as the system tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// What sets it.
    pub whose: &'static str,
    /// The bytes there are, in use or not.
    pub most: Option<u64>,
    /// The bytes that can still be held.
    pub left: Option<u64>,
}

/// Everything that may bound it: the machine, the group of processes that a container or a queue makes, and the limit of the process.
pub fn bounds() -> [Bound; 3] {
    let groups = groups();
    let least = |of: fn(&Group) -> u64| groups.iter().map(of).min();
    [
        Bound {
            whose: "this machine",
            most: machine("MemTotal:", "SwapTotal:"),
            left: machine("MemAvailable:", "SwapFree:"),
        },
        Bound { whose: "this container", most: least(|group| group.most), left: least(|group| group.left) },
        Bound { whose: "the limit of this process", most: address_space(), left: process() },
    ]
}

/// The bytes that can still be held, and what sets that bound; `None` where the system does not tell.
pub fn free() -> Option<(u64, &'static str)> {
    bounds().iter().filter_map(|bound| Some((bound.left?, bound.whose))).min_by_key(|(left, _)| *left)
}

/// The bytes there are, in use or not, and what sets that bound; `None` where the system does not tell.
pub fn most() -> Option<(u64, &'static str)> {
    bounds().iter().filter_map(|bound| Some((bound.most?, bound.whose))).min_by_key(|(most, _)| *most)
}

/// The most bytes that this process has held so far.
pub fn peak() -> Option<u64> {
    kib(&read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// What the machine has, and what it can swap out.
fn machine(memory: &str, swap: &str) -> Option<u64> {
    let text = read_to_string("/proc/meminfo").ok()?;
    Some(kib(&text, memory)? + kib(&text, swap).unwrap_or(0))
}

/// What the memory controller says of a group of processes that it bounds.
struct Group {
    most: u64,
    left: u64,
}

/// No bound, in the words of the controller's first version: the largest number of whole pages.
const UNBOUNDED: u64 = 1 << 62;

/// The groups that this process is in, one around the other, as far as they have a bound (cgroup v2 and v1).
fn groups() -> Vec<Group> {
    let told = read_to_string("/proc/self/cgroup").unwrap_or_default();
    told.lines().flat_map(|line| groups_of(line).unwrap_or_default()).collect()
}

/// The groups of a line `ID:CONTROLLERS:PATH`. In a container only the end of its path is to be seen, and its root is the last.
fn groups_of(line: &str) -> Option<Vec<Group>> {
    let (_, rest) = line.split_once(':')?;
    let (controllers, path) = rest.split_once(':')?;
    let [root, most, held] = match controllers {
        "" => ["/sys/fs/cgroup", "memory.max", "memory.current"],
        _ if controllers.split(',').any(|controller| controller == "memory") => {
            ["/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"]
        }
        _ => return None,
    };
    let around = Path::new(path.trim_start_matches('/')).ancestors().map(|inner| Path::new(root).join(inner));
    Some(around.filter_map(|folder| group(&folder, most, held)).collect())
}

/// The bound of one group; nothing where it has none. What it holds of files that nobody reads is given back when it is needed.
fn group(folder: &Path, most: &str, held: &str) -> Option<Group> {
    let number = |file: &str| read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok();
    let most = number(most).filter(|most| *most < UNBOUNDED)?;
    let files = read_to_string(folder.join("memory.stat")).ok().and_then(|text| {
        let bytes = field(&text, "total_inactive_file ").or_else(|| field(&text, "inactive_file "))?;
        bytes.parse::<u64>().ok()
    });
    let held = number(held)?.saturating_sub(files.unwrap_or(0));
    Some(Group { most, left: most.saturating_sub(held) })
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
