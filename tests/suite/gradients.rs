//! Gradients of every operation: the gradient graph against finite differences in f64.

pub mod cases;

use cases::{Built, Case, FAMILIES};
use sslrun::compile::{Program, Wishes};
use sslrun::exec::{Engine, EngineKind, Feed, Store, engine};
use sslrun::graph::ops::OPERATIONS;
use sslrun::graph::{GradRule, Graph, Init, NodeId, ParamKind, Parameter};
use std::collections::BTreeSet;

/// A training program whose loss weighs each element of the result differently.
pub fn program(case: &Case) -> Program {
    let mut graph = Graph::default();
    let spread = (case.range.1 - case.range.0) / 2.0;
    let inputs: Vec<NodeId> = case
        .shapes
        .iter()
        .enumerate()
        .map(|(i, shape)| {
            graph.parameter(Parameter {
                name: format!("x{i}"),
                shape: shape.to_vec(),
                init: Init::Uniform(spread),
                kind: ParamKind::Weight,
                ema: None,
                unit_rows: false,
                span: None,
            })
        })
        .collect();
    let loss = weighted(&mut graph, case, &inputs).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    Program::training(graph, &[loss], loss, &[], Wishes::default()).unwrap_or_else(|e| panic!("{}: {e}", case.name))
}

fn weighted(graph: &mut Graph, case: &Case, inputs: &[NodeId]) -> Built {
    let result = (case.build)(graph, inputs)?;
    let shape = graph.shape(result).clone();
    let positions = graph.arange(&shape.count());
    let weights = graph.scale(positions, 1.3)?;
    let weights = graph.cos(weights)?;
    let weights = graph.reshape(weights, &shape.0)?;
    let product = graph.mul(result, weights)?;
    graph.sum_all(product)
}

pub fn memory(case: &Case, program: &Program) -> Store<f64> {
    let mut memory = Store::new(&program.graph, &|_| None, 3).unwrap();
    let middle = (case.range.0 + case.range.1) / 2.0;
    for i in 0..case.shapes.len() {
        memory.named_mut(&format!("x{i}")).into_iter().flatten().for_each(|x| *x += middle);
    }
    memory
}

fn loss(engine: &mut dyn Engine<f64>, memory: &mut Store<f64>) -> f64 {
    engine.run(memory, &Feed::default()).unwrap();
    engine.output(0)[0]
}

/// The largest difference between gradient and central differences, relative to the largest gradient.
fn error(case: &Case) -> f64 {
    let program = program(case);
    let mut memory = memory(case, &program);
    let mut engine = engine::<f64>(EngineKind::Planned, &program, &|_| None).unwrap();
    loss(&mut *engine, &mut memory);
    let gradients: Vec<Vec<f64>> = (0..program.grads.len()).map(|i| engine.gradient(i).to_vec()).collect();
    assert!(!gradients.is_empty(), "{} has no gradient", case.name);
    let (mut worst, mut largest) = (0f64, 1e-3f64);
    for (&(id, _), gradient) in program.grads.iter().zip(gradients) {
        for i in (0..gradient.len()).step_by(gradient.len().div_ceil(64).max(1)) {
            let id = memory.param(id);
            let mut at = |h: f64| {
                memory.get_mut(id)[i] += h;
                let value = loss(&mut *engine, &mut memory);
                memory.get_mut(id)[i] -= h;
                value
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            worst = worst.max((slope - gradient[i]).abs());
            largest = largest.max(slope.abs());
        }
    }
    worst / largest
}

#[test]
fn gradients_are_the_slopes_of_the_loss() {
    for case in FAMILIES.iter().copied().flatten() {
        let error = error(case);
        assert!(error < 1e-6, "{}: {error:e}", case.name);
    }
}

#[test]
fn both_engines_compute_the_same() {
    for case in FAMILIES.iter().copied().flatten() {
        let program = program(case);
        let [planned, candle] = [EngineKind::Planned, EngineKind::Candle].map(|kind| {
            let mut engine = engine::<f64>(kind, &program, &|_| None).unwrap();
            let loss = engine.run(&mut memory(case, &program), &Feed::default()).map(|_| engine.output(0)[0]);
            let loss = loss.unwrap_or_else(|e| panic!("{}: {e}", case.name));
            (0..program.grads.len()).map(|i| engine.gradient(i).to_vec()).chain([vec![loss]]).collect::<Vec<_>>()
        });
        let pairs: Vec<(f64, f64)> = planned.into_iter().flatten().zip(candle.into_iter().flatten()).collect();
        let largest = pairs.iter().fold(1e-3, |m, (a, _)| f64::max(m, a.abs()));
        let error = pairs.iter().fold(0.0, |m, (a, b)| f64::max(m, (a - b).abs())) / largest;
        assert!(error < 1e-9, "{}: {error:e}", case.name);
    }
}

#[test]
fn every_differentiable_operation_has_a_case() {
    let mut seen = BTreeSet::new();
    for case in FAMILIES.iter().copied().flatten() {
        seen.extend(program(case).graph.nodes().map(|(_, node)| node.kind.to_string()));
    }
    let differentiable = OPERATIONS.iter().copied().flatten().filter(|op| matches!(op.grad, GradRule::Rule(_)));
    let missing: Vec<String> = differentiable.map(|op| op.to_string()).filter(|name| !seen.contains(name)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}
