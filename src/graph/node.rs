//! Nodes and the names of nodes, parameters, inputs, states and scalars.

use super::{Attrs, Dim, GradRule, Number, Operation, TensorType};
use crate::source::Span;
use std::fmt;

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

/// One value in a graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// How it comes about.
    pub kind: NodeKind,
    /// What it is computed from.
    pub inputs: Vec<NodeId>,
    /// The type of the result.
    pub ty: TensorType,
    /// The source that asked for it first.
    pub span: Option<Span>,
}

/// How the value of a node comes about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// It is read.
    Leaf(Leaf),
    /// It is computed by an operation, which is told these attributes besides its inputs.
    Computed(&'static Operation, Attrs),
}

/// What a node without inputs reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Leaf {
    /// A parameter.
    Parameter(ParamId),
    /// A tensor given for each step.
    Input(InputId),
    /// A state as it stood before this step.
    State(StateId),
    /// A scalar that follows a schedule.
    Scalar(ScalarId),
    /// A number; `whole` where it is one of the whole numbers, such as a label.
    Constant {
        /// The number.
        value: Number,
        /// Whether its type is that of whole numbers.
        whole: bool,
    },
    /// A dimension as a number.
    Dimension {
        /// The dimension.
        size: Dim,
        /// Whether its type is that of whole numbers.
        whole: bool,
    },
}

impl Node {
    /// The operation that computes it; `None` for a leaf.
    pub fn op(&self) -> Option<&'static Operation> {
        if let NodeKind::Computed(op, _) = &self.kind { Some(op) } else { None }
    }

    /// What it reads, if it is a leaf.
    pub fn leaf(&self) -> Option<&Leaf> {
        if let NodeKind::Leaf(leaf) = &self.kind { Some(leaf) } else { None }
    }

    /// Whether that operation computes it.
    pub fn is(&self, op: &'static Operation) -> bool {
        self.op() == Some(op)
    }

    /// What its operation is told besides its inputs; nothing for a leaf.
    pub fn attrs(&self) -> &Attrs {
        static NONE: Attrs = Attrs::new();
        if let NodeKind::Computed(_, attrs) = &self.kind { attrs } else { &NONE }
    }

    /// The parameter it reads, if it reads one.
    pub fn parameter(&self) -> Option<ParamId> {
        if let Some(Leaf::Parameter(id)) = self.leaf() { Some(*id) } else { None }
    }

    /// The input it reads, if it reads one.
    pub fn input(&self) -> Option<InputId> {
        if let Some(Leaf::Input(id)) = self.leaf() { Some(*id) } else { None }
    }

    /// The state it reads, if it reads one.
    pub fn state(&self) -> Option<StateId> {
        if let Some(Leaf::State(id)) = self.leaf() { Some(*id) } else { None }
    }

    /// The scheduled scalar it reads, if it reads one.
    pub fn scalar(&self) -> Option<ScalarId> {
        if let Some(Leaf::Scalar(id)) = self.leaf() { Some(*id) } else { None }
    }

    /// Its number, if it is a constant.
    pub fn constant(&self) -> Option<f64> {
        if let Some(Leaf::Constant { value, .. }) = self.leaf() { Some(value.0) } else { None }
    }

    /// Whether gradients pass from it to its inputs.
    pub fn passes_gradient(&self) -> bool {
        self.op().is_some_and(|op| matches!(op.grad, GradRule::Rule(_)))
    }
}

/// The word by which printers and messages call a node: its operation, or the kind of leaf it is.
impl fmt::Display for NodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeKind::Computed(op, _) => op.fmt(f),
            NodeKind::Leaf(leaf) => f.write_str(match leaf {
                Leaf::Parameter(_) => "parameter",
                Leaf::Input(_) => "input",
                Leaf::State(_) => "state",
                Leaf::Scalar(_) => "scalar",
                Leaf::Constant { .. } => "constant",
                Leaf::Dimension { .. } => "dimension",
            }),
        }
    }
}
