//! Whatever the text: the check and its judgements neither panic nor hang.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

fuzz_target!(|text: &str| {
    targets::check(text);
});
