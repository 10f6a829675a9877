//! What operations say of their values, held to what the planned engine computes in f64 for the cases of `gradients`.

use crate::gradients::{cases::FAMILIES, memory, program};
use sslrun::compile::Program;
use sslrun::exec::{EngineKind, Feed, Store, engine};
use sslrun::graph::{DType, Graph, InputKind, Linear, Node, NodeId, NodeKind, Range, ValueKind, Zero};
use std::collections::BTreeSet;

/// Every node of a case's program, gradients included, with the values of its inputs and its own.
fn computed(name: &str, program: &Program, memory: &Store<f64>) -> Vec<(NodeId, Vec<Vec<f64>>, Vec<f64>)> {
    let live: Vec<NodeId> = program.live();
    let whole = Program { outputs: live.clone(), loss: None, grads: Vec::new(), ..program.clone() };
    let mut engine = engine::<f64>(EngineKind::Planned, &whole, &|_| None).unwrap();
    engine.compute(memory, &Feed::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let place = |id: NodeId| live.iter().position(|known| *known == id).unwrap();
    let value = |id: NodeId| engine.output(place(id)).to_vec();
    let inputs = |id: NodeId| whole.graph.node(id).inputs.iter().map(|&input| value(input)).collect();
    live.iter().map(|&id| (id, inputs(id), value(id))).collect()
}

fn ranges(graph: &Graph) -> Vec<Range> {
    let mut all = Vec::new();
    for (_, node) in graph.nodes() {
        all.push(graph.range_of(node, &all));
    }
    all
}

/// The values of a node for other values of its inputs.
fn again(graph: &Graph, node: &Node, inputs: &[Vec<f64>]) -> Option<Vec<f64>> {
    let NodeKind::Computed(op, attrs) = &node.kind else { return None };
    let mut alone = Graph::default();
    let names: Vec<String> = (0..inputs.len()).map(|i| format!("x{i}")).collect();
    let given: Vec<NodeId> = node
        .inputs
        .iter()
        .zip(&names)
        .map(|(&input, name)| alone.input(name, graph.ty(input).clone(), InputKind::Given))
        .collect();
    let result = alone.apply(op, attrs.clone(), &given).ok()?;
    let program = Program::forward(alone, vec![result]);
    let mut engine = engine::<f64>(EngineKind::Planned, &program, &|_| None).ok()?;
    let values: Vec<Vec<f32>> = inputs.iter().map(|x| x.iter().map(|&x| x as f32).collect()).collect();
    let inputs = names.iter().map(String::as_str).zip(values.iter().map(Vec::as_slice)).collect();
    engine.compute(&Store::new(&program.graph, &|_| None, 0).ok()?, &Feed { inputs, ..Feed::default() }).ok()?;
    Some(engine.output(0).to_vec())
}

fn scaled(inputs: &[Vec<f64>], which: impl Fn(usize) -> bool) -> Vec<Vec<f64>> {
    let times = |i: usize| if which(i) { 2.0 } else { 1.0 };
    inputs.iter().enumerate().map(|(i, x)| x.iter().map(|x| x * times(i)).collect()).collect()
}

#[test]
fn values_lie_within_the_bounds_that_are_told() {
    for case in FAMILIES.iter().copied().flatten() {
        let program = program(case);
        let ranges = ranges(&program.graph);
        for (id, _, values) in computed(case.name, &program, &memory(case, &program)) {
            let (range, kind) = (ranges[id.index()], &program.graph.node(id).kind);
            // A finite bound is that of exact numbers.
            let slack = |bound: f64| if bound.is_finite() { 1e-9 * bound.abs().max(1.0) } else { 0.0 };
            for &x in &values {
                let within = x >= range.low - slack(range.low) && x <= range.high + slack(range.high);
                assert!(x.is_nan() || within, "{}: {x} of `{kind}` is not in {range:?}", case.name);
                assert!(range.zero || x != 0.0, "{}: `{kind}` is 0", case.name);
            }
        }
    }
}

#[test]
fn values_are_of_the_kind_that_is_told() {
    let mut seen = BTreeSet::new();
    for case in FAMILIES.iter().copied().flatten() {
        let program = program(case);
        for (id, inputs, values) in computed(case.name, &program, &memory(case, &program)) {
            let node = program.graph.node(id);
            let Some(op) = node.op() else { continue };
            let width = node.ty.shape.0.last().and_then(|d| d.constant()).unwrap_or(1).max(1) as usize;
            let sums = |f: fn(f64) -> f64| {
                values.chunks(width).all(|row| (row.iter().map(|&x| f(x)).sum::<f64>() - 1.0).abs() < 1e-6)
            };
            let holds = match op.values.kind {
                ValueKind::Computed | ValueKind::Drawn => true,
                ValueKind::Moved => values.iter().all(|x| inputs.iter().flatten().any(|y| x.to_bits() == y.to_bits())),
                ValueKind::Chosen => {
                    values.iter().all(|x| inputs[1..].iter().flatten().any(|y| x.to_bits() == y.to_bits()))
                }
                ValueKind::Probabilities | ValueKind::Balanced => sums(|x| x),
                ValueKind::LogProbabilities => sums(f64::exp),
                ValueKind::Comparison(_) => values.iter().all(|x| *x == 0.0 || *x == 1.0),
            };
            assert!(holds, "{}: `{op}` is not {:?}", case.name, op.values.kind);
            seen.insert(op.to_string());
        }
    }
    assert!(seen.len() > 60, "few operations stand in the cases: {seen:?}");
}

#[test]
fn what_is_linear_doubles_with_its_input() {
    for case in FAMILIES.iter().copied().flatten() {
        let program = program(case);
        for (id, inputs, _) in computed(case.name, &program, &memory(case, &program)) {
            let node = program.graph.node(id);
            let Some(op) = node.op() else { continue };
            // The second of two inputs that choose is no number to be scaled.
            let scales: Vec<Vec<Vec<f64>>> = match op.values.linear {
                Linear::No => continue,
                Linear::Jointly if op.values.kind == ValueKind::Moved && op.values.zero != Zero::WithAll => {
                    vec![scaled(&inputs, |i| i == 0)]
                }
                Linear::Jointly => {
                    // Whole numbers among others say where, not how much.
                    let whole = |i: usize| program.graph.ty(node.inputs[i]).dtype == DType::Int;
                    let all = (0..inputs.len()).all(whole);
                    vec![scaled(&inputs, |i| all || !whole(i))]
                }
                Linear::Each => (0..inputs.len()).map(|which| scaled(&inputs, |i| i == which)).collect(),
                Linear::First => vec![scaled(&inputs, |i| i == 0)],
            };
            let Some(once) = again(&program.graph, node, &inputs) else { continue };
            for scaled in scales {
                let twice = again(&program.graph, node, &scaled).unwrap();
                let close = once.iter().zip(&twice).all(|(x, y)| (2.0 * x - y).abs() <= 1e-6 * (1.0 + x.abs()));
                assert!(close, "{}: `{op}` is not linear: {once:?} became {twice:?}", case.name);
            }
        }
    }
}

#[test]
fn zeros_come_of_zeros_as_is_told() {
    for case in FAMILIES.iter().copied().flatten() {
        let program = program(case);
        for (id, inputs, _) in computed(case.name, &program, &memory(case, &program)) {
            let node = program.graph.node(id);
            let Some(op) = node.op() else { continue };
            let zeros = |which: &dyn Fn(usize) -> bool| {
                let all = |(i, x): (usize, &Vec<f64>)| if which(i) { vec![0.0; x.len()] } else { x.clone() };
                again(&program.graph, node, &inputs.iter().enumerate().map(all).collect::<Vec<_>>())
            };
            let found: Vec<Option<Vec<f64>>> = match op.values.zero {
                Zero::Unknown => continue,
                Zero::AsFirst | Zero::WithFirst | Zero::Quotient => vec![zeros(&|i| i == 0)],
                Zero::Product => (0..inputs.len()).map(|which| zeros(&|i| i == which)).collect(),
                Zero::WithAll | Zero::Difference => vec![zeros(&|_| true)],
            };
            for values in found.into_iter().flatten() {
                assert!(values.iter().all(|x| *x == 0.0), "{}: `{op}` of zeros is {values:?}", case.name);
            }
        }
    }
}
