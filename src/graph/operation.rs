//! What is known of an operation: its shape rule, gradient rule, cost, and what it does to samples and to values.

use super::range::{Bounding, Range};
use super::{Attrs, Dim, Graph, NodeId, TensorType};
use std::fmt;
use std::hash::{Hash, Hasher};

/// A graph operation, with all that is known of it but how an engine computes it.
pub struct Operation {
    /// Its name, unique among operations: for printers and messages, which see it by [`fmt::Display`].
    pub(in crate::graph) name: &'static str,
    /// The type of the result, or why there is none.
    pub infer: fn(&Attrs, &[&TensorType]) -> Result<TensorType, ShapeError>,
    /// How gradients flow through it.
    pub grad: GradRule,
    /// How many floating-point operations it takes.
    pub cost: Cost,
    /// How it treats the samples of a batch.
    pub samples: SamplesRule,
    /// What is known of its values.
    pub values: Values,
    /// Whether its result may be written over an input of its shape: element by element, nothing read twice.
    pub in_place: bool,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// An operation is itself alone: it is declared once.
impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Operation {}

impl Hash for Operation {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::hash(self, state);
    }
}

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
pub struct Mixed {
    /// How samples come together.
    pub how: Mixing,
    /// The dimension of the result that holds what the samples' dimension held, where there still is one.
    pub axis: Option<usize>,
}

/// How an operation brings samples together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mixing {
    /// They are moved about, each by itself: only a sample's place in the batch counts.
    Place,
    /// They are added up.
    Sum,
    /// Each is paired with each other one.
    Pairs,
    /// Features are multiplied with features over the samples.
    Products,
    /// They are divided by what they sum to.
    Share,
    /// A statistic of all of them enters.
    Statistic,
    /// Anything else.
    Other,
}

/// What is known of the values of an operation, whatever the weights and the data are.
#[derive(Clone, Copy)]
pub struct Values {
    /// Between which bounds they lie.
    pub bounds: BoundsRule,
    /// Where they are 0.
    pub zero: Zero,
    /// Where they, or their slope, are not defined.
    pub undefined: Undefined,
    /// In which inputs they are linear.
    pub linear: Linear,
    /// What they are.
    pub kind: ValueKind,
}

/// The bounds of a result by those of the inputs.
pub type BoundsRule = fn(&Bounding) -> Range;

impl Values {
    /// Nothing is known.
    pub const UNKNOWN: Values = Values {
        bounds: |_| Range::ANY,
        zero: Zero::Unknown,
        undefined: Undefined::Nowhere,
        linear: Linear::No,
        kind: ValueKind::Computed,
    };

    /// Elements of the first input, moved about.
    pub const MOVED: Values = Values {
        bounds: |b| b.first(),
        zero: Zero::AsFirst,
        linear: Linear::Jointly,
        kind: ValueKind::Moved,
        ..Values::UNKNOWN
    };

    /// With these bounds.
    pub const fn bounds(self, bounds: BoundsRule) -> Values {
        Values { bounds, ..self }
    }

    /// 0 there.
    pub const fn zero(self, zero: Zero) -> Values {
        Values { zero, ..self }
    }

    /// Undefined there.
    pub const fn undefined(self, undefined: Undefined) -> Values {
        Values { undefined, ..self }
    }

    /// Linear in those.
    pub const fn linear(self, linear: Linear) -> Values {
        Values { linear, ..self }
    }

    /// Of that kind.
    pub const fn kind(self, kind: ValueKind) -> Values {
        Values { kind, ..self }
    }
}

/// Where the result of an operation is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zero {
    /// Nothing is known.
    Unknown,
    /// Where the first input is, and only there.
    AsFirst,
    /// Everywhere, if the first input is 0 everywhere.
    WithFirst,
    /// Where one of two factors is.
    Product,
    /// Where the first input is; the second divides it.
    Quotient,
    /// Everywhere, if all inputs are.
    WithAll,
    /// Where the two inputs are equal.
    Difference,
}

/// Where an operation is not defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undefined {
    /// It is defined everywhere.
    Nowhere,
    /// Where that input is 0, by which it divides.
    AtZero(usize),
    /// Where the first input is 0 or below, as a logarithm is.
    UpToZero,
    /// Where the first input is below 0; at 0 its slope is infinite, as that of a root is.
    BelowZero,
}

/// In which inputs an operation is linear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linear {
    /// In none.
    No,
    /// In all together: a sum, or elements moved about.
    Jointly,
    /// In each while the others stay: a product.
    Each,
    /// In the first while the others stay: a quotient.
    First,
}

/// What the values of an operation are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Numbers computed from those of the inputs.
    Computed,
    /// Elements of the inputs, moved about.
    Moved,
    /// Probabilities: rows over the last dimension that sum to 1.
    Probabilities,
    /// Probabilities of which every column gets an equal share.
    Balanced,
    /// Logarithms of probabilities.
    LogProbabilities,
    /// Elements of the last two inputs, chosen by the first.
    Chosen,
    /// Whether two numbers compare so.
    Comparison(Comparison),
    /// Numbers drawn at random.
    Drawn,
}

/// A comparison of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The first is smaller.
    Less,
    /// The first is smaller, or they are equal.
    LessEqual,
    /// They are equal.
    Equal,
    /// They differ.
    NotEqual,
}

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
