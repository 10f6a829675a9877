//! A program as plain data, and that data as text, DOT and RON.

mod description;
mod dot;
mod text;

pub use description::{Description, Line, ParameterLine, Part, Totals};
pub use text::bytes;
