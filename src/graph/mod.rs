//! The typed graph of tensor operations: what a recipe computes, before anything is computed.
//!
//! A node is an operation, its attributes and its inputs; its type follows by the operation's shape rule. Equal nodes are
//! one node, so a branch applied twice to the same view is computed once. Activations are channels-last (`[N, H, W, C]`).

mod attrs;
mod build;
mod call;
mod dim;
mod leaves;
mod node;
mod operation;
pub mod ops;
mod range;
mod samples;
mod types;

pub use attrs::{Attr, Attrs, Number};
pub use build::{Graph, Room};
pub use call::{Call, Function, Value};
pub use dim::{Dim, MAX_DEGREE, MAX_SUMMANDS};
pub use leaves::{
    Ema, Fan, Init, Input, InputKind, MaskPart, ParamKind, Parameter, Refresh, Scalar, State, Times, Update,
};
pub use node::{InputId, Leaf, Node, NodeId, NodeKind, ParamId, ScalarId, StateId};
pub use operation::{
    Backward, BoundsRule, Comparison, Cost, GradRule, Linear, Lying, Mixed, Mixing, Operation, SamplesRule, ShapeError,
    Undefined, ValueKind, Values, Zero,
};
pub use range::{Bounding, Range};
pub use types::{DType, Shape, TensorType};
