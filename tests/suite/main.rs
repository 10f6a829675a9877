//! The integration tests: one binary, a module a concern.
mod architecture;
mod check;
mod compile;
mod data;
mod docs;
mod engines;
mod eval;
mod fixtures;
mod gradients;
mod graph;
mod kernels;
mod layers;
mod operations;
mod optim;
mod random;
mod report;
mod syntax;
