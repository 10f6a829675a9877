//! Whatever the bytes: every reader of what a run leaves takes them or says what is wrong.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

fuzz_target!(|bytes: &[u8]| {
    let folder = std::env::temp_dir().join(format!("sslrun-fuzz-{}", std::process::id()));
    _ = targets::checkpoint(&folder, bytes);
});
