//! What an expression can mean while a recipe is checked.

use super::branch::Applied;
use super::module::Module;
use super::scope::Env;
use crate::catalog::{Config, Schedule};
use crate::graph::{self, Dim, NodeId};
use crate::syntax::ast;
use std::rc::Rc;
use std::sync::Arc;

/// The value of an expression.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// `none`: an argument left out.
    None,
    /// A number known before training.
    Number(f64),
    /// A size: a number or a symbol such as `N`.
    Dim(Dim),
    /// A truth value known before training.
    Bool(bool),
    /// A string, or a word that stands for a choice.
    Text(String),
    /// `a..b`
    Range(f64, f64),
    /// `a -> b`
    Ramp(f64, f64),
    /// A number that changes while training.
    Schedule(Schedule),
    /// A tensor.
    Tensor(NodeId),
    /// A tensor with named parts of its making, such as a stage's feature map.
    Tapped(NodeId, Vec<(String, NodeId)>),
    /// A view of the sample, by its number.
    View(usize),
    /// Several values: a group of views, a list, a comprehension.
    List(Vec<Value>),
    /// A function written in the language.
    Function(Rc<Closure>),
    /// An operation.
    Operation(&'static graph::Function),
    /// A function of lists.
    ListFunction(&'static super::lists::ListFunction),
    /// A word that is not called yet, such as an augmentation without arguments.
    Word(&'static crate::catalog::Entry),
    /// A configured word other than a layer.
    Config(Config),
    /// A pipeline of augmentations, maybe on top of a view.
    Pipeline(Option<Box<Value>>, Vec<Config>),
    /// A module.
    Module(Rc<Module>),
    /// A branch, by its number.
    Branch(usize),
    /// A stage of a branch, by their numbers.
    Stage(usize, usize),
    /// A branch applied to something.
    Applied(Rc<Applied>),
    /// `batch`: the samples of this step.
    Batch,
    /// A column of pictures, by its place in the data set: what views can be made of.
    Pictures(usize),
}

/// A function of the language with what it can see.
#[derive(Debug)]
pub(super) struct Closure {
    /// Its definition.
    pub definition: Arc<ast::Let>,
    /// The names around its definition.
    pub env: Env,
}

impl Value {
    /// What to call it in a message.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::None => "nothing",
            Value::Number(_) => "a number",
            Value::Dim(_) => "a dimension",
            Value::Bool(_) => "a truth value",
            Value::Text(_) => "a word",
            Value::Range(..) => "a range",
            Value::Ramp(..) => "a ramp",
            Value::Schedule(_) => "a schedule",
            Value::Tensor(_) | Value::Tapped(..) => "a tensor",
            Value::View(_) => "a view",
            Value::List(_) => "a list",
            Value::Function(_) | Value::Operation(_) | Value::ListFunction(_) => "a function",
            Value::Word(entry) => kind_name(entry.kind),
            Value::Config(_) => "a configured word",
            Value::Pipeline(..) => "a pipeline of augmentations",
            Value::Module(_) => "a module",
            Value::Branch(_) => "a branch",
            Value::Stage(..) => "a stage",
            Value::Applied(_) => "the output of a branch",
            Value::Batch => "the batch",
            Value::Pictures(_) => "a column of pictures",
        }
    }
}

/// What to call a word of that kind in a message.
pub(super) fn kind_name(kind: crate::catalog::Kind) -> &'static str {
    use crate::catalog::Kind;
    match kind {
        Kind::Operation => "a function",
        Kind::Layer => "a layer",
        Kind::Augmentation => "an augmentation",
        Kind::Mask => "a kind of mask",
        Kind::Optimizer => "an optimizer",
        Kind::Schedule => "a schedule",
        Kind::DataSet => "a data set",
        Kind::Probe => "a probe",
        Kind::Branch => "a derived branch",
        Kind::Weights => "a source of weights",
        Kind::State => "a state",
        Kind::Rule => "a rule",
        Kind::Block => "a block",
    }
}
