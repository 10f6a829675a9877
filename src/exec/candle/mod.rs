//! The candle engine: plain candle tensors and candle's own autograd, as a reference for the planned engine.

mod assign;
mod attention;
mod elementwise;
mod images;
mod labels;
mod linalg;
mod lowering;
mod movement;
mod norm;
mod random;
mod reduce;

use super::assignments::Assignments;
use super::site::{Moment, Site};
use super::store::Bound;
use super::{Binding, BufferId, Engine, ExecError, Feed, Outcome, Real, Store};
use crate::compile::{Plan, Program};
use crate::graph::{Attr, Attrs, InputId, Leaf, Node, NodeId, NodeKind, Operation, ParamId, StateId};
use crate::optim;
use crate::threads;
use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};

/// Whether the engine can compute that operation.
pub fn computes(operation: &Operation) -> bool {
    lowering::find(operation).is_some()
}

/// Runs the forward part of a program on candle, and differentiates it by candle.
pub struct Candle<T: Real> {
    program: Program,
    nodes: Vec<Known>,
    outputs: Vec<Vec<T>>,
    output_shapes: Vec<Vec<usize>>,
    input_shapes: Vec<Vec<usize>>,
    grads: Vec<Vec<T>>,
    input_grads: Vec<(String, Vec<T>)>,
    updates: Vec<(StateId, Vec<T>)>,
    assignments: Assignments<T>,
    /// The norms of the last gradients.
    norms: Vec<f64>,
    bound: Bound,
}

/// A node with every dimension a number.
struct Known {
    id: NodeId,
    attrs: Attrs,
    /// The number of a constant or a dimension.
    number: f64,
    shape: Vec<usize>,
}

/// What one run leaves behind.
struct Done {
    outputs: Vec<Tensor>,
    grads: Vec<Tensor>,
    input_grads: Vec<Tensor>,
    updates: Vec<(StateId, Tensor)>,
}

impl<T: Real> Candle<T> {
    /// Readies the nodes that loss, outputs and states depend on; nodes that compute gradients are left to candle. What sizes do
    /// not go together was found by planning, as for the other engine.
    pub fn new(program: &Program, plan: &Plan, size: &dyn Fn(&str) -> Option<i64>) -> Result<Self, ExecError> {
        let mut forward = program.clone();
        forward.grads.clear();
        forward.input_grads.clear();
        let sized = |id: NodeId| {
            let node = program.graph.node(id);
            let shape = node.ty.shape.concrete(size).ok_or_else(|| {
                ExecError::new(format!("the shape {} is not known", node.ty.shape)).at(&program.graph, id)
            })?;
            Ok(Known { id, attrs: numbers(node.attrs(), size), number: number(node, size), shape })
        };
        let nodes = forward.live().into_iter().map(sized).collect::<Result<Vec<_>, ExecError>>()?;
        let shape = |id: &NodeId| nodes.iter().find(|n| n.id == *id).map(|n| n.shape.clone()).unwrap_or_default();
        let output_shapes = program.outputs.iter().map(shape).collect();
        let input_shapes = plan.input_grads.iter().map(|(_, grad)| grad.shape.clone()).collect();
        let (outputs, grads, input_grads, updates) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Ok(Candle {
            assignments: Assignments::new(program)?,
            program: program.clone(),
            nodes,
            outputs,
            output_shapes,
            input_shapes,
            grads,
            input_grads,
            updates,
            norms: Vec::new(),
            bound: Bound::default(),
        })
    }

    /// One step, on a thread with room for candle's recursion over long chains if there is one.
    fn step(&self, store: &Store<T>, feed: &Feed) -> Result<Done, ExecError> {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let done = threads::apart(thread, |own| {
            let length = self.nodes.len();
            if !own && length > LONGEST {
                return Err(ExecError::new(format!("no thread with room for the {length} steps of the candle engine")));
            }
            self.compute(store, feed)
        });
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn compute(&self, store: &Store<T>, feed: &Feed) -> Result<Done, ExecError> {
        let graph = &self.program.graph;
        let leaves = Leaves { program: &self.program, store, binding: self.bound.last(store)?, feed };
        let moment = feed.moment();
        let mut values: Vec<Option<Tensor>> = vec![None; graph.len()];
        for (place, sized) in self.nodes.iter().enumerate() {
            let node = graph.node(sized.id);
            let value = match leaves.value(node, sized)? {
                Some(leaf) => leaf,
                None => self.lower(place, &values, moment).map_err(|e| e.at(graph, sized.id))?,
            };
            values[sized.id.index()] = Some(value);
        }
        self.finish(&values)
    }

    fn lower(&self, place: usize, values: &[Option<Tensor>], moment: Moment) -> Result<Tensor, ExecError> {
        let sized = &self.nodes[place];
        let node = self.program.graph.node(sized.id);
        // Candle's kernels do not all take tensors without elements.
        if sized.shape.contains(&0) {
            return Ok(Tensor::zeros(sized.shape.as_slice(), T::DTYPE, &Device::Cpu)?);
        }
        let lower = node.op().and_then(lowering::find);
        let lower = lower.ok_or_else(|| ExecError::new("the candle engine cannot compute this"))?;
        let inputs: Vec<Tensor> = node.inputs.iter().filter_map(|i| values[i.index()].clone()).collect();
        let dims = inputs.iter().map(Tensor::dims).collect();
        let (attrs, output) = (&sized.attrs, sized.shape.as_slice());
        let site = Site { attrs, inputs: dims, output, fast_convolution: false };
        Ok(lower(&site, &inputs, lowering::Step { moment, dtype: T::DTYPE })?.contiguous()?)
    }

    /// Differentiates the loss, and collects the results.
    fn finish(&self, values: &[Option<Tensor>]) -> Result<Done, ExecError> {
        let graph = &self.program.graph;
        let value = |id: NodeId| values[id.index()].clone().ok_or_else(|| ExecError::new("a result is missing"));
        let store = match self.program.loss {
            Some(loss) if self.differentiates() => Some(value(loss)?.backward()?),
            _ => None,
        };
        let gradient = |leaf: &Tensor| gradient(store.as_ref(), leaf);
        let leaf = |leaf: Leaf| {
            let found = graph.nodes().find(|(_, n)| n.leaf() == Some(&leaf));
            found.and_then(|(id, _)| values[id.index()].clone())
        };
        let missing = || ExecError::new("the loss does not depend on a parameter that has a gradient");
        let by_param = |(id, _): &(ParamId, NodeId)| gradient(&leaf(Leaf::Parameter(*id)).ok_or_else(missing)?);
        // What the loss does not read has a gradient all the same.
        let by_input = |((name, _), shape): (&(String, NodeId), &Vec<usize>)| {
            let id = graph.inputs.iter().position(|i| i.name == *name);
            match id.and_then(|id| leaf(Leaf::Input(InputId(id as u32)))) {
                Some(input) => gradient(&input),
                None => Ok(Tensor::zeros(shape.as_slice(), T::DTYPE, &Device::Cpu)?),
            }
        };
        let by_inputs = self.program.input_grads.iter().zip(&self.input_shapes).map(by_input);
        Ok(Done {
            outputs: self.program.outputs.iter().map(|&id| value(id)).collect::<Result<_, _>>()?,
            grads: self.program.grads.iter().map(by_param).collect::<Result<_, _>>()?,
            input_grads: by_inputs.collect::<Result<_, ExecError>>()?,
            updates: graph.updates.iter().map(|u| Ok((u.state, value(u.value)?))).collect::<Result<_, ExecError>>()?,
        })
    }

    fn differentiates(&self) -> bool {
        !self.program.grads.is_empty() || !self.program.input_grads.is_empty()
    }
}

/// Bytes of stack for candle's recursion; only what is touched is used.
const STACK: usize = 1 << 28;
/// The most nodes that any stack has room for.
const LONGEST: usize = 2000;

/// The gradient of a leaf; zeros where none flows.
fn gradient(store: Option<&GradStore>, leaf: &Tensor) -> Result<Tensor, ExecError> {
    match store.and_then(|store| store.get(leaf)) {
        Some(grad) => Ok(grad.contiguous()?),
        None => Ok(leaf.zeros_like()?),
    }
}

/// Attributes with every dimension a number.
fn numbers(attrs: &Attrs, size: &dyn Fn(&str) -> Option<i64>) -> Attrs {
    attrs.iter().fold(Attrs::new(), |known, (name, attr)| match attr {
        Attr::Dims(dims) => known.with(name, Attr::Ints(dims.iter().map(|d| d.eval(size).unwrap_or(0)).collect())),
        Attr::Int(_) | Attr::Float(_) | Attr::Bool(_) | Attr::Text(_) | Attr::Ints(_) => known.with(name, attr.clone()),
    })
}

/// The number of a constant or a dimension; 0 for any other node.
fn number(node: &Node, size: &dyn Fn(&str) -> Option<i64>) -> f64 {
    match node.leaf() {
        Some(Leaf::Constant { value, .. }) => value.0,
        Some(Leaf::Dimension { size: dim, .. }) => dim.eval(size).unwrap_or(0) as f64,
        _ => 0.0,
    }
}

/// Where the leaves of a step come from.
struct Leaves<'a, T: Real> {
    program: &'a Program,
    store: &'a Store<T>,
    binding: &'a Binding,
    feed: &'a Feed<'a>,
}

impl<T: Real> Leaves<'_, T> {
    /// The value of a leaf, a variable where a gradient by it is wanted; `None` for what is computed.
    fn value(&self, node: &Node, sized: &Known) -> Result<Option<Tensor>, ExecError> {
        let NodeKind::Leaf(read) = &node.kind else { return Ok(None) };
        let number = |x: f64| Tensor::full(x, (), &Device::Cpu)?.to_dtype(T::DTYPE);
        Ok(Some(match read {
            Leaf::Parameter(id) => {
                let wanted = self.program.grads.iter().any(|(p, _)| p == id);
                leaf(&self.kept(self.binding.param(*id))?, wanted)?
            }
            Leaf::State(id) => self.kept(self.binding.state(*id))?,
            Leaf::Input(id) => {
                let name = &self.program.graph.inputs[id.index()].name;
                let wanted = self.program.input_grads.iter().any(|(n, _)| n == name);
                leaf(&self.input(name, &sized.shape)?, wanted)?
            }
            Leaf::Scalar(id) => {
                let given = self.feed.scalars.get(id.index()).copied();
                number(given.ok_or_else(|| ExecError::new(format!("scheduled scalar {} is not given", id.0)))?)?
            }
            Leaf::Constant { .. } | Leaf::Dimension { .. } => number(sized.number)?,
        }))
    }

    /// A copy of a buffer.
    fn kept(&self, id: BufferId) -> Result<Tensor, ExecError> {
        Ok(T::tensor(self.store.get(id), self.store.shape(id))?)
    }

    fn input(&self, name: &str, shape: &[usize]) -> Result<Tensor, ExecError> {
        let given = self.feed.input(name)?;
        let (has, wants) = (given.len(), shape.iter().product::<usize>());
        if has != wants {
            return Err(ExecError::new(format!("input `{name}` has {has} numbers instead of {wants}")));
        }
        Ok(Tensor::from_slice(given, shape, &Device::Cpu)?.to_dtype(T::DTYPE)?)
    }
}

/// A tensor, or a variable of its values.
fn leaf(tensor: &Tensor, wanted: bool) -> Result<Tensor, ExecError> {
    Ok(if wanted { Var::from_tensor(tensor)?.as_tensor().clone() } else { tensor.clone() })
}

fn take<T: Real>(tensor: &Tensor) -> Result<Vec<T>, ExecError> {
    Ok(T::numbers(&tensor.to_dtype(T::DTYPE)?)?)
}

impl<T: Real> Engine<T> for Candle<T> {
    fn begin(&mut self, store: &mut Store<T>, feed: &Feed) -> Result<(), ExecError> {
        let binding = self.bound.to(store, &self.program.graph)?;
        self.assignments.begin(store, binding, &feed.before);
        Ok(())
    }

    fn compute(&mut self, store: &Store<T>, feed: &Feed) -> Result<Outcome, ExecError> {
        self.bound.to(store, &self.program.graph)?;
        let done = self.step(store, feed)?;
        self.outputs = done.outputs.iter().map(take).collect::<Result<_, _>>()?;
        self.grads = done.grads.iter().map(take).collect::<Result<_, _>>()?;
        let named = self.program.input_grads.iter().zip(&done.input_grads);
        self.input_grads =
            named.map(|((name, _), grad)| Ok((name.clone(), take(grad)?))).collect::<Result<_, ExecError>>()?;
        let updates = done.updates.iter().map(|(state, value)| Ok((*state, take(value)?)));
        self.updates = updates.collect::<Result<_, ExecError>>()?;
        self.norms = self.grads.iter().map(|gradient| optim::norm(gradient)).collect();
        let loss = self.program.loss.and_then(|loss| self.program.outputs.iter().position(|output| *output == loss));
        let loss = loss.and_then(|i| self.outputs[i].first()).map(|loss| loss.to_f64());
        let states = self.updates.iter().map(|(state, values)| (*state, values.as_slice()));
        Ok(Outcome::of(loss, self.norms.clone(), states))
    }

    fn advance(&mut self, store: &mut Store<T>, feed: &Feed) -> Result<Option<ParamId>, ExecError> {
        let binding = self.bound.last(store)?;
        self.updates.iter().try_for_each(|(state, value)| store.set(binding.state(*state), value))?;
        let gradient = |i: usize| self.grads[i].as_slice();
        self.assignments.end(store, binding, &feed.after, &gradient, &self.norms);
        Ok(self.assignments.not_finite(store, binding))
    }

    fn output(&self, i: usize) -> &[T] {
        &self.outputs[i]
    }

    fn output_shape(&self, i: usize) -> &[usize] {
        &self.output_shapes[i]
    }

    fn gradient(&self, i: usize) -> &[T] {
        &self.grads[i]
    }

    fn input_gradient(&self, name: &str) -> Option<&[T]> {
        self.input_grads.iter().find(|(n, _)| n == name).map(|(_, grad)| grad.as_slice())
    }
}
