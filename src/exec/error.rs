//! What can go wrong while a step runs.

use crate::compile::PlanError;
use crate::diag::{Code, Diagnostic};
use crate::graph::{Graph, NodeId};
use crate::source::Span;
use std::fmt;

/// Why a step, or the loading of its parameters, failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecError {
    /// What is wrong, without a full stop.
    pub message: String,
    /// The operation that failed.
    pub operation: Option<String>,
    /// The node that failed.
    pub node: Option<NodeId>,
    /// The source that asked for it.
    pub span: Option<Span>,
}

impl ExecError {
    /// An error with that message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), operation: None, node: None, span: None }
    }

    /// Why a program of that graph cannot be planned.
    pub fn of_plan(error: PlanError, graph: &Graph) -> Self {
        Self::new(error.message).at(graph, error.node)
    }

    /// The error as it is told.
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error(Code::NOT_COMPUTED, self.span, self.to_string())
    }

    /// Says which node failed, unless that is already said.
    pub fn at(mut self, graph: &Graph, id: NodeId) -> Self {
        if self.node.is_none() {
            let node = graph.node(id);
            (self.operation, self.node, self.span) = (Some(node.kind.to_string()), Some(id), node.span);
        }
        self
    }
}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.operation {
            Some(operation) => write!(f, "`{operation}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for ExecError {}

impl From<candle_core::Error> for ExecError {
    fn from(error: candle_core::Error) -> Self {
        // Where `RUST_BACKTRACE` is set, candle adds the calls to its message.
        if let candle_core::Error::WithBacktrace { inner, .. } = error {
            return ExecError::from(*inner);
        }
        ExecError::new(error.to_string())
    }
}
