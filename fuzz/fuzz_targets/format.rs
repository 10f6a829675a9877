//! Whatever the text: the parser neither panics nor hangs, and the formatter keeps the meaning of what parses.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

fuzz_target!(|text: &str| targets::layout(text));
