//! The integration tests: one binary, a module a concern.
mod kernels;
mod random;
