//! What a layer is: something that adds its parameters and nodes to a graph.

use super::{Build, Peer};
use crate::catalog::{Config, Entry};
use crate::graph::{NodeId, ShapeError};
use std::fmt::Debug;

/// A configured layer or backbone.
pub trait Module: Debug + Send + Sync {
    /// Adds its nodes for the input `x`, and its parameters where they are new, under the path of `cx`.
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError>;

    /// Whether it heeds the mask of a view (`cx.mask`). Where a branch is applied to a masked view, its first module must;
    /// those behind it may.
    fn takes_mask(&self) -> bool {
        false
    }

    /// The module of another package that computes the same from weights of the same names, if there is one.
    fn peer(&self) -> Option<Peer> {
        None
    }
}

/// What a module returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its result.
    pub value: NodeId,
    /// Values on the way that recipes can ask for by name.
    pub taps: Vec<(String, NodeId)>,
}

impl From<NodeId> for Output {
    fn from(value: NodeId) -> Self {
        Output { value, taps: Vec::new() }
    }
}

/// A word of the language that makes a module.
pub struct Layer {
    /// Its signature, formula and documentation.
    pub entry: Entry,
    /// The module of one call, or what is wrong with its arguments together.
    pub build: fn(&Config) -> Result<Box<dyn Module>, String>,
}
