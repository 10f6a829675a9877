//! From graph to plan: differentiation, dead code, buffers and their lifetimes, printers.

mod arena;
mod differentiate;
mod plan;
mod program;

pub use arena::{ALIGNMENT, Buffer, lay_out};
pub use differentiate::reaches;
pub use plan::{Loc, Operand, Plan, Step};
pub use program::Program;
