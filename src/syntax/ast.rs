//! The syntax tree: what a recipe says, as it says it. Every node knows its span.

use crate::source::Span;

/// An identifier at its place.
#[derive(Clone, Debug)]
pub struct Name {
    /// The identifier.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A string literal (without quotes, escapes resolved) at its place.
#[derive(Clone, Debug)]
pub struct Text {
    /// The content.
    pub value: String,
    /// Where it stands, quotes included.
    pub span: Span,
}

/// A whole file: its items in order.
#[derive(Clone, Debug)]
pub struct File {
    /// The items in the order of the text.
    pub items: Vec<Item>,
    /// Every comment of the file, in order, for the formatter.
    pub comments: Vec<Comment>,
    /// The span of the whole text.
    pub span: Span,
}

/// A `#` comment, from the sign to the end of its line.
#[derive(Clone, Debug)]
pub struct Comment {
    /// The text with its sign.
    pub text: String,
    /// Where it stands.
    pub span: Span,
    /// Whether code stands before it on its line.
    pub trailing: bool,
}

/// A top-level statement.
#[derive(Clone, Debug)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// The whole statement.
    pub span: Span,
}

/// The kinds of top-level statement, in the words of their form.
#[allow(missing_docs, reason = "each variant shows its form, which names the fields")]
#[derive(Clone, Debug)]
pub enum ItemKind {
    /// `recipe "Title" paper "..."`
    Recipe {
        /// What the method is called.
        title: Text,
        /// Where it was published.
        paper: Option<Text>,
    },
    /// `extends "other.ssl"`
    Extends {
        /// The other recipe, relative to this one.
        path: Text,
    },
    /// `omit loss.x`
    Omit {
        /// What to drop: a block and an entry of it, or an item.
        path: Vec<Name>,
    },
    /// `param NAME = value`
    Param {
        /// What `--set` calls it.
        name: Name,
        /// Its default.
        value: Expr,
    },
    /// `data cifar10("DIR")`
    Data {
        /// The data set.
        value: Expr,
    },
    /// `input NAME: [N, 128]`
    Input {
        /// What it is called.
        name: Name,
        /// Its dimensions: numbers or symbols.
        shape: Vec<Expr>,
    },
    /// `views { ... }`
    Views {
        /// Its lines.
        entries: Vec<ViewEntry>,
    },
    /// `branch NAME { stage: module ... }`
    Branch {
        /// What it is called.
        name: Name,
        /// Its lines, in order.
        stages: Vec<Stage>,
    },
    /// `branch NAME = ema(other, decay: ...)`
    DerivedBranch {
        /// What it is called.
        name: Name,
        /// What it is derived from, and how.
        value: Expr,
    },
    /// `state NAME = queue(of: x, size: 4096)`
    State {
        name: Name,
        /// What it holds, and how it is kept.
        value: Expr,
    },
    /// `weight NAME = 2.66`, `weight NAME: [K, D]`, or both: `weight NAME: [K, D] = 0`
    Weight {
        name: Name,
        /// Its dimensions; `None` for a scalar.
        shape: Option<Vec<Expr>>,
        /// What it begins with.
        value: Option<Expr>,
    },
    /// `start f.encoder = weights("x.pth")`
    Start { path: Vec<Name>, value: Expr },
    /// `let NAME = e`, `let NAME(args) = e`, `let NAME(args) { let ... e }`
    Let(Let),
    /// `loss { term: e ... }`
    Loss {
        /// Its terms.
        entries: Vec<Entry>,
    },
    /// `train { ... }`
    Train {
        /// Its lines.
        entries: Vec<Entry>,
    },
    /// `evaluate { ... }`
    Evaluate {
        /// Its lines.
        entries: Vec<Entry>,
    },
    /// `expect { condition ... }`
    Expect {
        /// Its lines.
        conditions: Vec<Expr>,
    },
}

/// `a, b: pipeline` or `global[2]: pipeline`; without a pipeline, the sample as it is.
#[derive(Clone, Debug)]
pub struct ViewEntry {
    /// The views or groups this line declares.
    pub names: Vec<ViewName>,
    /// How they are made.
    pub pipeline: Option<Expr>,
    /// The whole line.
    pub span: Span,
}

/// `a`, or `global[2]` for a group of two.
#[derive(Clone, Debug)]
pub struct ViewName {
    /// The name.
    pub name: Name,
    /// How many views the group has; `None` for a single view.
    pub count: Option<Expr>,
}

/// `stage: module`, `stage: module on other.tap`.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The name of the stage.
    pub name: Name,
    /// The module, or another branch's stage to share.
    pub module: Expr,
    /// What the stage takes; `None` for the output of the stage before.
    pub on: Option<Expr>,
    /// The whole line.
    pub span: Span,
}

/// `name: value` in a block, or `name { entries }` for a nested block.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name before the colon.
    pub name: Name,
    /// The value.
    pub value: EntryValue,
    /// The whole line.
    pub span: Span,
}

/// What stands behind an entry's name.
#[derive(Clone, Debug)]
pub enum EntryValue {
    /// `name: e`
    Expr(Expr),
    /// `name { ... }`, as the data sets that `evaluate` judges on.
    Block(Vec<Entry>),
}

/// A definition, at the top or inside a function's block.
#[derive(Clone, Debug)]
pub struct Let {
    /// The defined name.
    pub name: Name,
    /// The parameters of a function; `None` for a plain value.
    pub params: Option<Vec<Param>>,
    /// The definitions of the block before its result; empty for the `=` form.
    pub lets: Vec<Let>,
    /// The value, or the last expression of the block.
    pub value: Expr,
    /// Whether it was written as a block.
    pub block: bool,
    /// The comment lines right above it, without signs: its documentation.
    pub doc: String,
    /// The whole definition.
    pub span: Span,
}

/// A parameter of a function: `z: [N, D]`, `gamma = 1`.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its declared shape, whose unbound names it binds.
    pub shape: Option<Vec<Expr>>,
    /// Its default.
    pub default: Option<Expr>,
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// The whole expression.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// `2.66`, `1e-4`
    Number(f64),
    /// `"text"`
    Text(String),
    /// `true`, `false`
    Bool(bool),
    /// `name`
    Name(String),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `-x`, `not x`
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `f(a, name: b)`
    Call(Box<Expr>, Vec<Arg>),
    /// `x.name`
    Field(Box<Expr>, Name),
    /// `x[i]`, `x[a..b]`, `x[i, j]`
    Index(Box<Expr>, Vec<Expr>),
    /// `e for u in views, v in global if u != v`; only as the sole positional argument of a call.
    Comprehension(Box<Comprehension>),
}

/// `e for u in views, v in global if u != v`
#[derive(Clone, Debug)]
pub struct Comprehension {
    /// The value for each round.
    pub value: Expr,
    /// The loops, the first outermost.
    pub loops: Vec<Loop>,
    /// Rounds for which this is false are left out.
    pub guard: Option<Expr>,
}

/// `u in views`, `u, v in pairs(a, b)`
#[derive(Clone, Debug)]
pub struct Loop {
    /// The names bound each round.
    pub names: Vec<Name>,
    /// What is gone through.
    pub over: Expr,
}

/// An argument, by position or by name.
#[derive(Clone, Debug)]
pub struct Arg {
    /// The name, for `name: value`.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-x`
    Negate,
    /// `not x`
    Not,
}

/// Infix operators, loosest binding first: `|`, `or`, `and`, comparisons, `->`, `..`, `+ -`, `* / @`, `^` (right, tighter than unary minus).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `a | b`: composition
    Pipe,
    /// `a or b`
    Or,
    /// `a and b`
    And,
    /// `a == b`
    Equal,
    /// `a != b`
    NotEqual,
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// `a > b`
    Greater,
    /// `a >= b`
    GreaterEqual,
    /// `a -> b`: a ramp, in schedules
    Ramp,
    /// `a..b`: a range
    Range,
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `a * b`
    Multiply,
    /// `a / b`
    Divide,
    /// `a @ b`: matrix product
    MatMul,
    /// `a ^ b`
    Power,
}
