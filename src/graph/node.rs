//! Nodes and the names of nodes, parameters, inputs, states and scalars.

use super::{Attrs, Operation, TensorType};
use crate::source::Span;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

id! {
    /// A node of a graph; inputs have smaller numbers than what uses them.
    NodeId;
    /// A parameter of a graph.
    ParamId;
    /// An input of a graph.
    InputId;
    /// A state of a graph.
    StateId;
    /// A scheduled scalar of a graph.
    ScalarId;
}

/// One operation in a graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// What is computed.
    pub op: &'static Operation,
    /// What it is told besides its inputs.
    pub attrs: Attrs,
    /// What it is computed from.
    pub inputs: Vec<NodeId>,
    /// The type of the result.
    pub ty: TensorType,
    /// The source that asked for it first.
    pub span: Option<Span>,
}
