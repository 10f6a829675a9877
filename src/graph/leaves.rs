//! What a graph takes from outside: parameters, inputs, states and scheduled scalars.

use super::{NodeId, ParamId, Shape, StateId, TensorType};
use crate::catalog::Schedule;
use crate::source::Span;

/// A trained (or averaged) tensor.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its path: `branch.stage.layer.weight`, in PyTorch's naming below the stage.
    pub name: String,
    /// Its dimensions, in PyTorch's layout.
    pub shape: Vec<usize>,
    /// Its first value.
    pub init: Init,
    /// What it is to a layer; rules for groups of parameters go by it.
    pub kind: ParamKind,
    /// If it follows another parameter instead of being trained.
    pub ema: Option<Ema>,
    /// Whether its rows are put back to length 1 before each step.
    pub unit_rows: bool,
    /// Where its branch or weight is declared.
    pub span: Option<Span>,
}

/// `p <- decay * p + (1 - decay) * source`, after each optimizer step.
#[derive(Clone, Debug, PartialEq)]
pub struct Ema {
    /// The parameter that is followed.
    pub of: ParamId,
    /// How much of the old value stays.
    pub decay: Schedule,
    /// Whether the average moves before the forward pass instead of after the optimizer.
    pub before: bool,
    /// If it moves only every so many epochs.
    pub every: Option<f64>,
}

/// What a parameter is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ParamKind {
    /// A matrix or filter.
    Weight,
    /// An additive bias.
    Bias,
    /// Scale or shift of a normalisation.
    Norm,
    /// A token or a position: a vector that stands among others.
    Token,
    /// A `weight` of the recipe that belongs to no branch.
    Free,
}

/// How a parameter or state is first filled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// One number everywhere.
    Constant(f64),
    /// Normal with the given standard deviation.
    Normal(f64),
    /// Normal with the given standard deviation, cut off at two of them.
    TruncatedNormal(f64),
    /// Uniform in `[-bound, bound]`.
    Uniform(f64),
    /// Normal with variance `2 / fan` (He et al. 2015, "Delving deep into rectifiers").
    KaimingNormal(Fan),
    /// Rows drawn uniformly from the unit sphere.
    Sphere,
}

/// Which connections an initialisation counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// Those into an output.
    In,
    /// Those out of an input.
    Out,
}

/// A tensor given for each step.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: TensorType,
    /// Where it comes from.
    pub kind: InputKind,
}

/// Where an input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputKind {
    /// The pixels of the view of that number.
    View(usize),
    /// Something of the mask of the view of that number.
    Mask(usize, MaskPart),
    /// The labels of the batch.
    Label,
    /// The samples' numbers in the data set.
    Index,
    /// The same, to find the rows of tables.
    Rows,
    /// A column of the data set.
    Column {
        /// Its place there.
        place: usize,
        /// One more than its largest number, where it holds whole numbers from 0.
        below: Option<usize>,
    },
    /// The rows of that node for all samples of the data set.
    Table(NodeId),
    /// An `input` of the recipe.
    Given,
}

/// Something of a view's mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaskPart {
    /// 1 where a patch is hidden, 0 where it is visible, `[N, T]`.
    Hides,
    /// The numbers of the visible patches in ascending order, `[N, V]`.
    Visible,
    /// The numbers of the hidden patches in ascending order, `[N, M]`.
    Hidden,
    /// The numbers of the patches of a target in ascending order.
    Target(usize),
}

/// A tensor that lives between steps.
#[derive(Clone, Debug)]
pub struct State {
    /// Its name or path.
    pub name: String,
    /// Its dimensions.
    pub shape: Shape,
    /// Its first value.
    pub init: Init,
    /// Where it is declared.
    pub span: Option<Span>,
}

/// A state that is recomputed now and then.
#[derive(Clone, Debug, PartialEq)]
pub struct Refresh {
    /// The state.
    pub state: StateId,
    /// What it becomes, computed apart from any step.
    pub value: NodeId,
    /// When.
    pub times: Times,
}

/// Times of a training, in epochs. The start is always among them.
#[derive(Clone, Debug, PartialEq)]
pub enum Times {
    /// At equal distances.
    Every(f64),
    /// At these.
    At(Vec<f64>),
    /// So often in all, ever more rarely: at `(i / n)^2` of the training.
    Rarer(usize),
}

/// What a state becomes after each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The state.
    pub state: StateId,
    /// Its next value.
    pub value: NodeId,
}

/// A scalar that follows a schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// The schedule.
    pub schedule: Schedule,
}
