//! Whatever the text: the check and its judgements neither panic nor hang.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    sslrun_fuzz::check(text);
});
