//! The CPU kernels against naive loops in f64.
