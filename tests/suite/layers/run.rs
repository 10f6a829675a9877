//! Runs a module or a function of the graph on an engine and gives back values and gradients.

use super::sizes;
use crate::fixtures::Tensor;
use sslrun::compile::{Program, Wishes};
use sslrun::exec::{Engine, EngineKind, Feed, Real, Store, engine};
use sslrun::graph::{Dim, Graph, InputKind, NodeId, Shape, TensorType};
use std::collections::BTreeMap;

/// The first values of a tensor by name and shape; `None` for the graph's own.
type Fill<'a> = &'a dyn Fn(&str, &[usize]) -> Option<Vec<f32>>;

/// What came of a run: the result, gradients by parameter or input, and the states afterwards.
pub struct Ran {
    pub out: Vec<f32>,
    pub grads: BTreeMap<String, Vec<f32>>,
    pub states: BTreeMap<String, Vec<f32>>,
}

/// Computes `out` and, given a cotangent, the gradients of `sum(out * cotangent)` by all parameters and by the inputs
/// `by`. `fill` gives the values of parameters and states by name.
pub fn run<T: Real>(
    kind: EngineKind,
    mut graph: Graph,
    out: NodeId,
    cotangent: Option<&Tensor>,
    by: &[&str],
    inputs: &[(&str, &Tensor)],
    fill: Fill,
) -> Ran {
    let mut given: Vec<(&str, &[f32])> = inputs.iter().map(|(name, t)| (*name, &t.values[..])).collect();
    let program = match cotangent {
        Some(cotangent) => {
            given.push(("cotangent", &cotangent.values));
            let shape = graph.shape(out).clone();
            let weights = graph.input("cotangent", TensorType::float(shape), InputKind::Given);
            let weighted = graph.mul(out, weights).unwrap();
            let loss = graph.sum_all(weighted).unwrap();
            Program::training(graph, &[out], loss, by, Wishes::default()).unwrap()
        }
        None => Program::forward(graph, vec![out]),
    };
    let size = sizes(inputs.first().map_or(1, |(_, t)| t.shape[0]));
    let mut memory = Store::<T>::new(&program.graph, &size, 1).unwrap();
    set(&mut memory, &program.graph, fill, &size);
    let mut engine = engine::<T>(kind, &program, &size).unwrap();
    engine.run(&mut memory, &Feed { inputs: given, ..Feed::default() }).unwrap();
    collect(&program, &*engine, &memory, by)
}

fn set<T: Real>(memory: &mut Store<T>, graph: &Graph, fill: Fill, size: &dyn Fn(&str) -> Option<i64>) {
    let params = graph.params.iter().map(|p| (p.name.clone(), p.shape.clone()));
    let states = graph.states.iter().map(|s| (s.name.clone(), s.shape.concrete(size).unwrap()));
    for (name, shape) in params.chain(states) {
        if let Some(values) = fill(&name, &shape) {
            let all = memory.named_mut(&name).unwrap();
            all.iter_mut().zip(&values).for_each(|(a, &v)| *a = T::from_f64(f64::from(v)));
        }
    }
}

fn collect<T: Real>(program: &Program, engine: &dyn Engine<T>, memory: &Store<T>, by: &[&str]) -> Ran {
    let round = |all: &[T]| all.iter().map(|x| x.to_f64() as f32).collect::<Vec<_>>();
    let name = |i: usize| program.graph.params[program.grads[i].0.index()].name.clone();
    let mut grads: BTreeMap<_, _> = (0..program.grads.len()).map(|i| (name(i), round(engine.gradient(i)))).collect();
    grads.extend(by.iter().map(|x| (x.to_string(), round(engine.input_gradient(x).unwrap()))));
    let read = |name: &str| round(memory.named(name).unwrap().values);
    let states = program.graph.states.iter().map(|s| (s.name.clone(), read(&s.name))).collect();
    Ran { out: round(engine.output(0)), grads, states }
}

/// An input of the tensor's shape, its first dimension the batch.
pub fn batch_input(graph: &mut Graph, name: &str, tensor: &Tensor) -> NodeId {
    let mut shape = Shape::of(&tensor.shape);
    shape.0[0] = Dim::batch();
    graph.input(name, TensorType::float(shape), InputKind::Given)
}
