//! What is known of an operation: its shape rule, gradient rule and cost.

use super::{Attrs, Dim, Graph, NodeId, TensorType};
use std::fmt;

/// A graph operation. Its lowering to each engine is found by its name.
pub struct Operation {
    /// Its name, unique among operations.
    pub name: &'static str,
    /// The type of the result, or why there is none.
    pub infer: fn(&Attrs, &[&TensorType]) -> Result<TensorType, ShapeError>,
    /// How gradients flow through it.
    pub grad: GradRule,
    /// How many floating-point operations it takes.
    pub cost: Cost,
    /// How it treats the samples of a batch.
    pub samples: SamplesRule,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Operation {}

/// How gradients flow through an operation.
#[derive(Clone, Copy)]
pub enum GradRule {
    /// The result does not depend smoothly on the inputs, or must not pass gradients on.
    Stops,
    /// The gradient of each input, in graph operations. One entry an input; `None` where none flows.
    Rule(fn(&mut Backward) -> Result<Vec<Option<NodeId>>, ShapeError>),
}

/// Floating-point operations a node takes: from its attributes, input types and result type.
#[derive(Clone, Copy)]
pub enum Cost {
    /// None: a view of memory, or a leaf.
    Free,
    /// A number for each element of the result.
    PerElement(i64),
    /// A number for each element of the first input.
    PerInput(i64),
    /// Any other rule.
    Rule(fn(&Attrs, &[&TensorType], &TensorType) -> Dim),
}

/// How an operation treats samples: the dimension of the result along which they lie, where they lie in the inputs as told, if each element of
/// the result depends on one sample alone; nothing where it depends on none.
pub type SamplesRule = fn(&Lying) -> Result<Option<usize>, Mixed>;

/// An element of a result depends on several samples, or on the place of a sample in its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mixed;

/// What a rule about samples sees.
pub struct Lying<'a> {
    /// The attributes of the node.
    pub attrs: &'a Attrs,
    /// The types of its inputs.
    pub inputs: &'a [&'a TensorType],
    /// The dimension of each input along which the samples lie.
    pub axes: &'a [Option<usize>],
    /// The type of its result.
    pub output: &'a TensorType,
}

impl Lying<'_> {
    /// The dimensions of an input.
    pub fn shape(&self, input: usize) -> &[Dim] {
        &self.inputs[input].shape.0
    }
}

/// What a gradient rule sees.
pub struct Backward<'a> {
    /// The graph, to which the rule adds nodes.
    pub graph: &'a mut Graph,
    /// The attributes of the node.
    pub attrs: &'a Attrs,
    /// Its inputs.
    pub inputs: &'a [NodeId],
    /// The node itself: the result of the forward computation.
    pub output: NodeId,
    /// The gradient of the loss by the result, of the result's shape.
    pub grad: NodeId,
    /// Which inputs need a gradient; for the others the rule may answer `None`.
    pub needs: &'a [bool],
}

/// Why an operation cannot take its inputs, in words for the author of a recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError {
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether nothing is wrong but that there is too much of it.
    pub too_large: bool,
}

impl ShapeError {
    /// An error with that message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, too_large: false }
    }

    /// An error of something that would be right if there were less of it.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self { too_large: true, ..Self::new(message) }
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ShapeError {}
