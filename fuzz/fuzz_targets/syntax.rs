//! Whatever the text: the parser neither panics nor hangs, and the formatter keeps the meaning of what parses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sslrun::source::FileId;
use sslrun::syntax::{format, parse, parse_expr, same};

fuzz_target!(|text: &str| {
    let (file, diagnostics) = parse(FileId(0), text);
    let _ = parse_expr(FileId(0), text);
    if diagnostics.is_empty() {
        let once = format(&file, text);
        let (again, diagnostics) = parse(FileId(0), &once);
        assert!(diagnostics.is_empty() && same(&file, &again));
        assert_eq!(format(&again, &once), once);
    }
});
