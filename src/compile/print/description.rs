//! A program and its plan as plain data.

use crate::compile::{Loc, Plan, Program, Step, flops};
use crate::graph::{Dim, Graph, Leaf, Node, NodeId, NodeKind, Parameter};
use crate::source::Span;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// A program as it is printed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The nodes that are needed, in order.
    pub nodes: Vec<Line>,
    /// The parameters in order.
    pub parameters: Vec<ParameterLine>,
    /// Sums over all of it.
    pub totals: Totals,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its number.
    pub number: u32,
    /// The operation.
    pub operation: String,
    /// The name of the parameter, input or state a leaf reads.
    pub reads: Option<String>,
    /// The attributes as text.
    pub attributes: Vec<(String, String)>,
    /// The numbers of its inputs.
    pub inputs: Vec<u32>,
    /// Its type.
    pub shape: String,
    /// The floating-point operations it takes, in the symbols.
    pub flops: String,
    /// The same as a number, where the sizes are known.
    pub flops_count: Option<u64>,
    /// The first byte of its place in the arena, and how many bytes it has there.
    pub place: Option<(usize, usize)>,
    /// Whether it takes over the place of an input.
    pub in_place: bool,
    /// Which part of the step it belongs to.
    pub part: Part,
    /// What it is to the program: `loss`, `output 0`, `gradient of NAME`, `next NAME`.
    pub role: Vec<String>,
    /// The source that asked for it.
    pub span: Option<Span>,
}

/// A part of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Needed for the outputs, the loss or the states.
    Forward,
    /// Needed for gradients alone.
    Backward,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterLine {
    /// Its path.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// The path of the parameter it follows.
    pub follows: Option<String>,
    /// Whether it has a gradient.
    pub trained: bool,
}

/// Sums over a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Numbers in parameters that have a gradient.
    pub trained: usize,
    /// Numbers in all parameters.
    pub parameters: usize,
    /// Floating-point operations of the forward part, in the symbols or as a number.
    pub forward_flops: String,
    /// Floating-point operations of the backward part.
    pub backward_flops: String,
    /// Bytes of the arena in f32, where there is a plan.
    pub arena_bytes: Option<usize>,
    /// Bytes all values would take if none shared its place, where there is a plan.
    pub unshared_bytes: Option<usize>,
}

const BYTES: usize = size_of::<f32>();

impl Description {
    /// Describes a program, with the sizes and places of its plan if there is one.
    pub fn new(program: &Program, plan: Option<&Plan>) -> Description {
        let results = program.outputs.iter().copied().chain(program.loss);
        let forward = program.needed(results.chain(program.graph.updates.iter().map(|u| u.value)));
        let steps = plan.map(|p| p.steps.iter().map(|s| (s.node, s)).collect()).unwrap_or_default();
        let roles = roles(program);
        let describe = |id: NodeId| {
            let mut line = line(&program.graph, &steps, id);
            line.role = roles.get(&id).cloned().unwrap_or_default();
            line.part = if forward[id.index()] { Part::Forward } else { Part::Backward };
            line
        };
        let nodes: Vec<Line> = program.live().into_iter().map(describe).collect();
        let parameters = parameters(program);
        let totals = totals(program, plan, &nodes, &parameters);
        Description { nodes, parameters, totals }
    }

    /// The description in RON.
    pub fn ron(&self) -> Result<String, ron::Error> {
        ron::ser::to_string_pretty(self, ron::ser::PrettyConfig::new().depth_limit(3))
    }
}

fn line(graph: &Graph, steps: &HashMap<NodeId, &Step>, id: NodeId) -> Line {
    let node = graph.node(id);
    let step = steps.get(&id);
    let place = step.and_then(|s| match s.output.loc {
        Loc::Arena { offset, len } => Some((offset * BYTES, len * BYTES)),
        Loc::Param(_) | Loc::State(_) | Loc::Input(_) | Loc::Scalar(_) | Loc::Constant(_) => None,
    });
    let reads = reads(graph, id);
    let attributes = attributes(node);
    Line {
        number: id.0,
        operation: node.kind.to_string(),
        reads,
        attributes,
        inputs: node.inputs.iter().map(|i| i.0).collect(),
        shape: node.ty.to_string(),
        flops: flops(graph, id).to_string(),
        flops_count: step.map(|s| s.flops),
        place,
        in_place: step.is_some_and(|s| s.in_place.is_some()),
        part: Part::Forward,
        role: Vec::new(),
        span: node.span,
    }
}

/// What a node is told besides its inputs, as text.
fn attributes(node: &Node) -> Vec<(String, String)> {
    let number = |name: &str, value: String, whole: bool| {
        let whole = whole.then(|| ("whole".to_owned(), "true".to_owned()));
        std::iter::once((name.to_owned(), value)).chain(whole).collect()
    };
    match &node.kind {
        NodeKind::Computed(_, attrs) => {
            attrs.iter().map(|(name, value)| (name.to_owned(), value.to_string())).collect()
        }
        NodeKind::Leaf(Leaf::Constant { value, whole }) => number("value", value.0.to_string(), *whole),
        NodeKind::Leaf(Leaf::Dimension { size, whole }) => number("size", format!("[{size}]"), *whole),
        NodeKind::Leaf(_) => Vec::new(),
    }
}

/// The name of what a leaf reads.
fn reads(graph: &Graph, id: NodeId) -> Option<String> {
    let node = graph.node(id);
    match node.leaf()? {
        Leaf::Parameter(id) => Some(graph.params[id.index()].name.clone()),
        Leaf::Input(id) => Some(graph.inputs[id.index()].name.clone()),
        Leaf::State(id) => Some(graph.states[id.index()].name.clone()),
        Leaf::Scalar(id) => Some(format!("schedule {}", id.0)),
        Leaf::Constant { .. } | Leaf::Dimension { .. } => None,
    }
}

/// What nodes are to the program.
fn roles(program: &Program) -> HashMap<NodeId, Vec<String>> {
    let graph = &program.graph;
    let loss = program.loss.map(|l| (l, "loss".to_owned()));
    let outputs = program.outputs.iter().enumerate().map(|(i, n)| (*n, format!("output {i}")));
    let grads = program.grads.iter().map(|(p, n)| (*n, format!("gradient of {}", graph.params[p.index()].name)));
    let input_grads = program.input_grads.iter().map(|(name, n)| (*n, format!("gradient of {name}")));
    let updates = graph.updates.iter().map(|u| (u.value, format!("next {}", graph.states[u.state.index()].name)));
    let mut roles: HashMap<NodeId, Vec<String>> = HashMap::new();
    for (node, role) in loss.into_iter().chain(outputs).chain(grads).chain(input_grads).chain(updates) {
        roles.entry(node).or_default().push(role);
    }
    roles
}

fn parameters(program: &Program) -> Vec<ParameterLine> {
    let trained: HashSet<usize> = program.grads.iter().map(|(id, _)| id.index()).collect();
    let params = &program.graph.params;
    let describe = |(i, p): (usize, &Parameter)| ParameterLine {
        name: p.name.clone(),
        shape: p.shape.clone(),
        follows: p.ema.as_ref().map(|e| params[e.of.index()].name.clone()),
        trained: trained.contains(&i),
    };
    params.iter().enumerate().map(describe).collect()
}

fn totals(program: &Program, plan: Option<&Plan>, nodes: &[Line], parameters: &[ParameterLine]) -> Totals {
    let count = |p: &ParameterLine| p.shape.iter().product::<usize>();
    let sum = |part: Part| match plan {
        Some(_) => {
            let counts = nodes.iter().filter(|n| n.part == part).filter_map(|n| n.flops_count);
            counts.sum::<u64>().to_string()
        }
        None => {
            let costs = nodes.iter().filter(|n| n.part == part).map(|n| flops(&program.graph, NodeId(n.number)));
            costs.fold(Dim::default(), |sum, cost| &sum + &cost).to_string()
        }
    };
    let unshared = |_: &Plan| nodes.iter().filter_map(|n| n.place).map(|(_, bytes)| bytes).sum();
    Totals {
        trained: parameters.iter().filter(|p| p.trained).map(count).sum(),
        parameters: parameters.iter().map(count).sum(),
        forward_flops: sum(Part::Forward),
        backward_flops: sum(Part::Backward),
        arena_bytes: plan.map(|p| p.arena_len * BYTES),
        unshared_bytes: plan.map(unshared),
    }
}
