//! Every operation: shape rule, gradient rule, cost and signature, a family a file.

pub mod activation;
mod arithmetic;
pub mod assign;
pub mod attention;
pub mod binary;
pub mod bounds;
pub mod conv;
pub mod create;
pub mod elementwise;
pub mod fused;
pub mod index;
pub mod labels;
pub mod linalg;
pub mod matmul;
pub mod movement;
pub mod norm;
mod params;
pub mod pool;
pub mod random;
pub mod reduce;
pub mod rules;
pub mod samples;
pub mod select;
pub mod shapes;
pub mod similarity;
pub mod softmax;
pub mod statistics;
pub mod table;
pub mod tables;
pub mod tokens;
pub mod window;

use super::{Function, Operation};

/// Every graph operation.
pub const OPERATIONS: &[&[&Operation]] = &[
    elementwise::OPERATIONS,
    activation::OPERATIONS,
    binary::OPERATIONS,
    select::OPERATIONS,
    reduce::OPERATIONS,
    movement::OPERATIONS,
    matmul::OPERATIONS,
    index::OPERATIONS,
    tokens::OPERATIONS,
    create::OPERATIONS,
    labels::OPERATIONS,
    tables::OPERATIONS,
    softmax::OPERATIONS,
    attention::OPERATIONS,
    conv::OPERATIONS,
    norm::OPERATIONS,
    pool::OPERATIONS,
    random::OPERATIONS,
    linalg::OPERATIONS,
    assign::OPERATIONS,
    fused::OPERATIONS,
];

/// Every function of tensors that recipes can call.
pub const FUNCTIONS: &[&[Function]] = &[
    elementwise::FUNCTIONS,
    activation::FUNCTIONS,
    binary::FUNCTIONS,
    select::FUNCTIONS,
    matmul::FUNCTIONS,
    softmax::FUNCTIONS,
    attention::FUNCTIONS,
    random::FUNCTIONS,
    linalg::FUNCTIONS,
    statistics::FUNCTIONS,
    similarity::FUNCTIONS,
    assign::FUNCTIONS,
    shapes::FUNCTIONS,
    index::FUNCTIONS,
    tokens::FUNCTIONS,
    create::FUNCTIONS,
    table::FUNCTIONS,
];
