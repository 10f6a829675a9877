//! Whatever the bytes: every reader of what a run leaves takes them or says what is wrong.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    sslrun_fuzz::checkpoint(&sslrun_fuzz::folder(), bytes);
});
