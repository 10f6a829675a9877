//! Text to syntax tree, and back: the grammar's only user.

pub mod ast;
