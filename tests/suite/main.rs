//! The integration tests: one binary, a module a concern.
mod data;
mod engines;
mod eval;
mod fixtures;
mod kernels;
mod optim;
mod random;
mod report;
mod syntax;
