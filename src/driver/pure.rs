//! Computes the loss of a recipe that has inputs instead of views: a function of tensors.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Tensor};

use super::{Checked, Failure};
use crate::check::Recipe;
use crate::compile::Program;
use crate::diag::{Code, Diagnostic};
use crate::exec::{self, EngineKind, ExecError, Feed, Store};
use crate::graph::{self, Dim, Input, InputKind, NodeId};
use crate::kernels;
use crate::source::Span;

/// The loss of given tensors.
#[derive(Clone, Debug)]
pub struct Computed {
    /// The whole loss.
    pub total: f32,
    /// Each term, in the order of the recipe.
    pub terms: Vec<(String, f32)>,
    /// The gradient of the loss by each input of real numbers, if asked for.
    pub gradients: Vec<(String, Tensor)>,
    /// What of it is not finite, and where that began.
    pub fault: Option<Diagnostic>,
}

/// Computes the loss of a checked recipe without views on the given tensors, found by the names of the recipe's inputs.
pub fn loss_of(
    checked: &Checked,
    given: &HashMap<String, Tensor>,
    grad: bool,
    kind: EngineKind,
) -> Result<Computed, Failure> {
    let recipe = checked.recipe.as_ref().ok_or_else(|| Failure::usage("the recipe has errors"))?;
    let (graph, failed) = (&recipe.graph, |e: ExecError| Failure::of_computing(&e, &checked.sources));
    if let Some(input) = graph.inputs.iter().find(|i| i.kind != InputKind::Given) {
        return Err(Failure::usage(format!(
            "the recipe reads `{}` of a data set: run it, or declare an `input`",
            input.name
        )));
    }
    let sizes = bind(&graph.inputs, given)?;
    let size = |symbol: &str| sizes.get(symbol).copied();
    let program = program(recipe, grad)?;
    let values = graph.inputs.iter().map(|i| Ok((i.name.as_str(), numbers(i, &given[&i.name])?)));
    let values: Vec<(&str, Vec<f32>)> = values.collect::<Result<_, Failure>>()?;
    let mut store = Store::new(graph, &size, recipe.train.seed).map_err(failed)?;
    let mut engine = exec::engine::<f32>(kind, &program, &size).map_err(failed)?;
    let scalars = graph.scalars.iter().map(|s| s.schedule.at(0, 1, 1)).collect();
    let inputs = values.iter().map(|(name, values)| (*name, values.as_slice())).collect();
    let feed = Feed { inputs, scalars, seed: recipe.train.seed, ..Feed::default() };
    engine.run(&mut store, &feed).map_err(failed)?;
    let value = |i: usize| engine.output(i).first().copied().unwrap_or(f32::NAN);
    let gradients = program.input_grads.iter().filter_map(|(name, _)| {
        let shape = given[name].dims();
        Some(Tensor::from_slice(engine.input_gradient(name)?, shape, &Device::Cpu).map(|t| (name.clone(), t)))
    });
    let total = value(recipe.loss.terms.len());
    let terms = recipe.loss.terms.iter().enumerate().map(|(i, t)| (t.name.clone(), value(i))).collect();
    let gradients = gradients.collect::<Result<Vec<_>, _>>().map_err(|e| failed(e.into()))?;
    let mut computed = Computed { total, terms, gradients, fault: None };
    if let Some((what, span)) = computed.not_finite(recipe) {
        let fault = Diagnostic::error(Code::NOT_FINITE, span, what);
        let culprit = engine.not_finite(&store, &feed).map_err(failed)?;
        computed.fault = Some(culprit.map_or(fault.clone(), |culprit| culprit.told(fault)));
    }
    Ok(computed)
}

impl Computed {
    /// The first number of all that is not finite, and where it is written.
    fn not_finite(&self, recipe: &Recipe) -> Option<(String, Option<Span>)> {
        for (term, (name, value)) in recipe.loss.terms.iter().zip(&self.terms) {
            if !value.is_finite() {
                return Some((format!("loss term `{name}` is not finite: {value}"), Some(term.span)));
            }
        }
        if !self.total.is_finite() {
            return Some((format!("the loss is not finite: {}", self.total), None));
        }
        let finite = |t: &Tensor| t.flatten_all().and_then(|t| t.to_vec1::<f32>()).is_ok_and(|v| kernels::finite(&v));
        let (name, _) = self.gradients.iter().find(|(_, gradient)| !finite(gradient))?;
        Some((format!("the gradient of the loss by `{name}` is not finite"), None))
    }
}

fn program(recipe: &Recipe, grad: bool) -> Result<Program, Failure> {
    let total = recipe.loss.total.ok_or_else(|| Failure::usage("the recipe has no loss"))?;
    let outputs: Vec<NodeId> = recipe.loss.terms.iter().map(|t| t.node).chain([total]).collect();
    if !grad {
        return Ok(Program::forward(recipe.graph.clone(), outputs));
    }
    let real = recipe.graph.inputs.iter().filter(|i| i.ty.dtype == graph::DType::Float);
    let names: Vec<&str> = real.map(|i| i.name.as_str()).collect();
    Program::training(recipe.graph.clone(), &outputs, total, &names, recipe.train.wishes)
        .map_err(|e| Failure::run(e.message).maybe_help(e.help))
}

/// The size of each symbol, which all inputs must agree on.
fn bind(inputs: &[Input], given: &HashMap<String, Tensor>) -> Result<BTreeMap<String, i64>, Failure> {
    let mut sizes: BTreeMap<String, (i64, &str)> = BTreeMap::new();
    for input in inputs {
        let shape = given.get(&input.name).ok_or_else(|| missing(input, given))?.dims();
        let declared = &input.ty.shape.0;
        if declared.len() != shape.len() {
            return Err(mismatch(input, shape, ""));
        }
        for (dim, &size) in declared.iter().zip(shape) {
            if size == 0 {
                let wants =
                    if *dim == Dim::symbol("N") { "a batch needs a row" } else { "nothing can be computed of it" };
                return Err(Failure::run(format!("{dim} is 0 in `{}`: {wants}", input.name)));
            }
            if let ([symbol], true) =
                (&dim.symbols()[..], dim.constant().is_none() && *dim == Dim::symbol(dim.symbols()[0]))
            {
                let known = sizes.entry((*symbol).to_owned()).or_insert((size as i64, &input.name));
                if known.0 != size as i64 {
                    let why = format!(": {symbol} is {} in `{}`", known.0, known.1);
                    return Err(mismatch(input, shape, &why));
                }
            }
        }
    }
    let sizes: BTreeMap<String, i64> = sizes.into_iter().map(|(symbol, (size, _))| (symbol, size)).collect();
    for input in inputs {
        let shape = given[&input.name].dims();
        let wanted = input.ty.shape.concrete(&|symbol| sizes.get(symbol).copied());
        if wanted.as_deref() != Some(shape) {
            return Err(mismatch(input, shape, ""));
        }
    }
    Ok(sizes)
}

fn missing(input: &Input, given: &HashMap<String, Tensor>) -> Failure {
    let mut names: Vec<&str> = given.keys().map(String::as_str).collect();
    names.sort_unstable();
    let there = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    Failure::run(format!("input `{}` {} is not given; the file holds {there}", input.name, input.ty.shape))
}

fn mismatch(input: &Input, found: &[usize], why: &str) -> Failure {
    Failure::run(format!("input `{}` is declared {}, the given tensor is {found:?}{why}", input.name, input.ty.shape))
}

/// The numbers of a tensor of any type, row-major.
fn numbers(input: &Input, tensor: &Tensor) -> Result<Vec<f32>, Failure> {
    let flat = tensor.to_dtype(DType::F32).and_then(|t| t.flatten_all()).and_then(|t| t.to_vec1());
    flat.map_err(|e| Failure::run(format!("input `{}` cannot be read: {e}", input.name)))
}
