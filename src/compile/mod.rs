//! From graph to plan: differentiation, dead code, buffers and their lifetimes, printers.

mod program;

pub use program::Program;
