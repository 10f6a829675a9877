//! Every operation: shape rule, gradient rule, cost and signature, a family a file.

pub mod leaf;

use super::{Function, Operation};

/// Every graph operation.
pub const OPERATIONS: &[&[&Operation]] = &[leaf::OPERATIONS];

/// Every function of tensors that recipes can call.
pub const FUNCTIONS: &[&[Function]] = &[];

/// The operation of that name.
pub fn operation(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().flat_map(|family| family.iter()).find(|op| op.name == name).copied()
}
