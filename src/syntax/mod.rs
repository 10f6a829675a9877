//! Text to syntax tree, and back: the grammar's only user.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a rule of the grammar or an expression is asked whether it is of one kind"
)]

pub mod ast;
mod comments;
mod diagnose;
mod format;
mod grammar;
mod latex;
mod lex;
pub mod print;
mod same;
mod statements;
mod tree;
mod wording;

pub use format::format;
pub use latex::{latex, latex_definition, name as latex_name};
pub use same::same;
pub use statements::{STATEMENTS, Statement};
pub use tree::{parse, parse_expr, parse_expr_at};
