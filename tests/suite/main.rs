//! The integration tests: one binary, a module a concern.
mod architecture;
mod augment;
mod check;
mod cifar10;
mod cli;
mod compile;
mod data;
mod diagnostics;
mod docs;
mod engines;
mod eval;
mod fixtures;
mod format;
mod fuzz;
mod gradients;
mod graph;
mod kernels;
mod layers;
<<<<<<< HEAD
mod operations;
=======
mod lint;
>>>>>>> 06b5d42 (Judgements: gradient flow, collapse, numeric traps)
mod optim;
mod random;
mod report;
mod syntax;
mod train;
