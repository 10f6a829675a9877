//! Whatever the text: the parser neither panics nor hangs, and the formatter keeps the meaning of what parses.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| sslrun_fuzz::layout(text));
