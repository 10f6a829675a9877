//! Whatever the bytes: every reader of pictures, data sets and tensors takes them or says what is wrong.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    sslrun_fuzz::read_data(&sslrun_fuzz::folder(), bytes);
});
