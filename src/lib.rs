//! sslrun: a language for self-supervised learning, and the engine that runs it.
#![doc = include_str!("../ARCHITECTURE.md")]
#![warn(missing_docs)]

pub mod catalog;
pub mod check;
pub mod cli;
pub mod compile;
pub mod data;
pub mod diag;
pub mod driver;
pub mod eval;
pub mod exec;
pub mod graph;
pub mod kernels;
pub mod lint;
pub mod nn;
pub mod optim;
pub mod random;
pub mod report;
mod simd;
pub mod source;
pub mod syntax;
pub mod system;
pub mod tensors;
pub mod threads;
pub mod train;
pub mod weights;
