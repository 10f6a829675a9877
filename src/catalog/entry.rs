//! The description of one word of the language.

use std::fmt;

/// What sort of word an entry is; `sslrun show` groups by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A function of tensors.
    Operation,
    /// A module or a part of one.
    Layer,
    /// A step of a view's pipeline.
    Augmentation,
    /// How the hidden patches of a view are chosen.
    Mask,
    /// A rule that updates parameters.
    Optimizer,
    /// A scalar that changes while training.
    Schedule,
    /// A source of samples.
    DataSet,
    /// A judgement of features.
    Probe,
    /// A derived branch (`ema`, `stopgrad`).
    Branch,
    /// A source of first weights.
    Weights,
    /// Something that lives between steps (`queue`, `ema`).
    State,
    /// A rule about groups of parameters.
    Rule,
    /// A block of settings (`train`, `evaluate`).
    Block,
}

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParamType {
    /// A finite number within the closed bounds.
    Number {
        /// The smallest value.
        min: f64,
        /// The largest value.
        max: f64,
    },
    /// A whole number within the closed bounds.
    Int {
        /// The smallest value.
        min: i64,
        /// The largest value.
        max: i64,
    },
    /// A number, or a schedule of numbers within the closed bounds.
    Scalar {
        /// The smallest value.
        min: f64,
        /// The largest value.
        max: f64,
    },
    /// `true` or `false`.
    Bool,
    /// `a..b` with `min <= a <= b <= max`; a single number `a` reads as `a..a`.
    Range {
        /// The smallest value.
        min: f64,
        /// The largest value.
        max: f64,
    },
    /// A number within the closed bounds, a range of such, or a list of these.
    Amount {
        /// The smallest value.
        min: f64,
        /// The largest value.
        max: f64,
    },
    /// One of the named choices.
    Choice(&'static [&'static str]),
    /// A string literal.
    Text,
    /// A string literal or a list of these.
    Texts,
    /// The path of a file or folder: relative to the file it is written in, or to the working directory on the command line.
    Path,
    /// A ramp `a -> b`.
    Ramp,
    /// A tensor (for operations); a number is accepted as a scalar tensor.
    Tensor,
    /// A list of whole numbers or dimension symbols, as in `[N, 2, D]`.
    Dims,
    /// A dimension of a tensor: a whole number, negative from the end.
    Axis,
    /// One dimension or a list of them.
    Axes,
    /// A list of numbers.
    Numbers,
    /// A module.
    Module,
    /// Augmentations composed by `|`.
    Pipeline,
    /// A parameter selector: `bias`, `norm`, a branch or a stage, or a list of them.
    Selector,
    /// Another configured word of the given kind.
    Word(Kind),
}

/// A parameter of a word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub ty: ParamType,
    /// Its default as it would be written in a recipe; `None` where it must be given, `Some("none")` where it may be left out.
    pub default: Option<&'static str>,
    /// Further values of `name`: takes all remaining positional arguments (`mlp(2048, 2048, 128)`).
    pub variadic: bool,
    /// One sentence.
    pub doc: &'static str,
}

impl Param {
    /// A parameter that must be given.
    pub const fn required(name: &'static str, ty: ParamType, doc: &'static str) -> Self {
        Self { name, ty, default: None, variadic: false, doc }
    }

    /// A parameter with a default.
    pub const fn optional(name: &'static str, ty: ParamType, default: &'static str, doc: &'static str) -> Self {
        Self { name, ty, default: Some(default), variadic: false, doc }
    }

    /// A parameter that takes all remaining positional arguments, at least one.
    pub const fn variadic(name: &'static str, ty: ParamType, doc: &'static str) -> Self {
        Self { name, ty, default: None, variadic: true, doc }
    }
}

/// A word of the language. There is one of each, in a `static`, and it is equal to itself alone.
pub struct Entry {
    /// How it is written.
    pub name: &'static str,
    /// What sort of word it is.
    pub kind: Kind,
    /// Its parameters in positional order.
    pub params: &'static [Param],
    /// What it computes, as a formula or a shape rule (`[N, D] -> [N]`).
    pub formula: &'static str,
    /// What it is for, in a sentence or two, with its source where it has one.
    pub doc: &'static str,
}

impl Entry {
    /// Whether it has a parameter of that name.
    pub fn declares(&self, name: &str) -> bool {
        self.params.iter().any(|p| p.name == name)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Entry {}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.kind, self.name)
    }
}
