//! From graph to plan: what is read of tensors, differentiation, fusion, dead code, buffers and their lifetimes, printers.

mod arena;
mod assignment;
mod cost;
mod differentiate;
mod evaluate;
mod fuse;
mod narrow;
mod plan;
mod planner;
mod print;
mod program;
mod recompute;

pub use arena::{ALIGNMENT, Buffer, lay_out};
pub use assignment::{Amount, Assignment, Descend};
pub use cost::flops;
pub use differentiate::reaches;
pub use evaluate::{Evaluated, Evaluator};
pub use plan::{Loc, Operand, Plan, PlanError, Step};
pub use planner::is_view;
pub use print::{Description, Line, ParameterLine, Part, Totals, bytes};
pub use program::{Program, Wishes};
