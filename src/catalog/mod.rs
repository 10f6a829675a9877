//! What a word of the language looks like as data: its signature, defaults, formula and documentation,
//! and a call of it with every argument spelled out.

mod config;
mod entry;

pub use config::{Arg, Config, Ramp, Schedule, Unit};
pub use entry::{Entry, Kind, Param, ParamType};
