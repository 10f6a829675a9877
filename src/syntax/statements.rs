//! The statements of the language: the word that each begins with, how it is written, and what belongs behind the word.

use super::ast::ItemKind;

/// A kind of statement at the top of a recipe.
pub struct Statement {
    /// The word it begins with.
    pub keyword: &'static str,
    /// How it is written.
    pub form: &'static str,
    /// What it says, in a line.
    pub says: &'static str,
    /// What belongs right behind the word.
    pub(super) due: Due,
}

/// What belongs behind the word of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// A name, or a path of names.
    Name,
    /// A string.
    Text,
    /// A block.
    Block,
    /// Any value.
    Value,
}

/// Every kind, in the order in which a recipe usually has them.
pub const STATEMENTS: &[Statement] = &[
    of("recipe", "recipe \"Title\" paper \"arXiv:...\"", Due::Text, "what this is"),
    of("extends", "extends \"other.ssl\"", Due::Text, "takes everything from another recipe"),
    of("omit", "omit loss.TERM", Due::Name, "leaves out something of what it extends"),
    of("param", "param NAME = value", Due::Name, "a value that `--set NAME=value` may replace"),
    of("data", "data NAME(\"DIR\")", Due::Value, "the data set"),
    of("input", "input NAME: [N, 128]", Due::Name, "a tensor that is given from outside"),
    of("views", "views { NAME: pipeline }", Due::Block, "the views of a sample"),
    of("branch", "branch NAME { stage: module }", Due::Name, "a network, or one derived from another"),
    of("state", "state NAME = queue(of: value, size: 4096)", Due::Name, "a tensor that lives between steps"),
    of("weight", "weight NAME = 1.0", Due::Name, "a trained tensor that belongs to no branch"),
    of("start", "start BRANCH.STAGE = weights(\"x.pth\")", Due::Name, "what starts with the weights of a file"),
    of("let", "let NAME = value", Due::Name, "a name for a value or a function"),
    of("loss", "loss { term: value }", Due::Block, "the terms whose sum is minimised"),
    of("train", "train { name: value }", Due::Block, "how it is trained"),
    of("evaluate", "evaluate { name: value }", Due::Block, "what is judged, how, and how often"),
    of("expect", "expect { condition }", Due::Block, "what must stay true while training"),
];

const fn of(keyword: &'static str, form: &'static str, due: Due, says: &'static str) -> Statement {
    Statement { keyword, form, says, due }
}

/// The statement that begins with that word; `def`, which other languages have, is taken for `let`.
pub(super) fn statement(word: &str) -> Option<&'static Statement> {
    let word = if word == "def" { "let" } else { word };
    STATEMENTS.iter().find(|statement| statement.keyword == word)
}

/// The words that begin statements.
pub(super) fn keywords() -> impl Iterator<Item = &'static str> {
    STATEMENTS.iter().map(|statement| statement.keyword)
}

impl ItemKind {
    /// The word that the statement begins with.
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::Recipe { .. } => "recipe",
            Self::Extends { .. } => "extends",
            Self::Omit { .. } => "omit",
            Self::Param { .. } => "param",
            Self::Data { .. } => "data",
            Self::Input { .. } => "input",
            Self::Views { .. } => "views",
            Self::Branch { .. } | Self::DerivedBranch { .. } => "branch",
            Self::State { .. } => "state",
            Self::Weight { .. } => "weight",
            Self::Start { .. } => "start",
            Self::Let(_) => "let",
            Self::Loss { .. } => "loss",
            Self::Train { .. } => "train",
            Self::Evaluate { .. } => "evaluate",
            Self::Expect { .. } => "expect",
        }
    }
}
