//! The memory of a run, and the two engines held against each other.

use sslrun::catalog::Schedule;
use sslrun::exec::Memory;
use sslrun::exec::{candle, planned};
use sslrun::graph::ops::OPERATIONS;
use sslrun::graph::{Ema, Graph, Init, ParamId, ParamKind, Parameter, Shape, State, StateId};
use std::collections::HashMap;

fn parameter(name: &str, shape: &[usize], init: Init) -> Parameter {
    Parameter { name: name.into(), shape: shape.to_vec(), init, kind: ParamKind::Weight, ema: None, span: None }
}

fn small_graph() -> Graph {
    let mut graph = Graph::default();
    graph.parameter(parameter("f.weight", &[64, 32], Init::KaimingNormal(sslrun::graph::Fan::In)));
    let ema = Some(Ema { of: ParamId(0), decay: Schedule::constant(0.99), before: false });
    graph.parameter(Parameter { ema, ..parameter("g.weight", &[64, 32], Init::Normal(1.0)) });
    let shape = Shape(vec![sslrun::graph::Dim::batch(), 8usize.into()]);
    graph.state(State { name: "bank".into(), shape, init: Init::Sphere, span: None });
    graph
}

fn sizes(name: &str) -> Option<i64> {
    (name == "N").then_some(4)
}

#[test]
fn first_values_follow_their_rule_and_seed() {
    let memory = Memory::<f32>::new(&small_graph(), &sizes, 7).unwrap();
    let weight = memory.with_param(ParamId(0), |w| w.to_vec());
    let variance = weight.iter().map(|w| w * w).sum::<f32>() / weight.len() as f32;
    assert!((variance * 16.0 - 1.0).abs() < 0.1, "{variance}");
    assert_eq!(weight, memory.with_param(ParamId(1), |w| w.to_vec()), "an average starts as a copy");
    let bank = memory.state(StateId(0)).to_vec2::<f32>().unwrap();
    assert!(bank.iter().all(|row| (row.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5));
    let other = Memory::<f32>::new(&small_graph(), &sizes, 8).unwrap();
    assert_ne!(weight, other.with_param(ParamId(0), |w| w.to_vec()));
}

#[test]
fn averages_move_in_place() {
    let mut memory = Memory::<f32>::new(&small_graph(), &sizes, 7).unwrap();
    memory.with_param_mut(ParamId(0), |w| w.fill(3.0));
    memory.with_param_mut(ParamId(1), |w| w.fill(1.0));
    memory.with_param_mut_and(ParamId(1), ParamId(0), |mine, other| {
        mine.iter_mut().zip(other).for_each(|(m, o)| *m = 0.5 * *m + 0.5 * o)
    });
    memory.with_param(ParamId(1), |w| assert!(w.iter().all(|&x| x == 2.0)));
}

#[test]
fn a_memory_is_saved_and_loaded_by_name() {
    let first = Memory::<f32>::new(&small_graph(), &sizes, 7).unwrap();
    let mut second = Memory::<f32>::new(&small_graph(), &sizes, 8).unwrap();
    let mut map: HashMap<_, _> = first.to_map().unwrap().into_iter().collect();
    second.load(&map).unwrap();
    assert_eq!(first.with_param(ParamId(0), |w| w.to_vec()), second.with_param(ParamId(0), |w| w.to_vec()));
    map.insert("bank".into(), map["f.weight"].clone());
    assert_eq!(second.load(&map).unwrap_err().message, "`bank` has the shape [64, 32] instead of [4, 8]");
    map.remove("bank");
    assert_eq!(second.load(&map).unwrap_err().message, "there is no `bank`");
}

#[test]
fn another_graph_finds_its_parameters_by_name() {
    let memory = Memory::<f32>::new(&small_graph(), &sizes, 7).unwrap();
    let mut encoder = Graph::default();
    encoder.parameter(parameter("g.weight", &[64, 32], Init::Constant(0.0)));
    let binding = memory.bind(&encoder).unwrap();
    assert_eq!(memory.bound_param(&binding, ParamId(0)).id(), memory.param(ParamId(1)).id());
    encoder.parameter(parameter("h.weight", &[64, 32], Init::Constant(0.0)));
    assert_eq!(memory.bind(&encoder).unwrap_err().message, "there is no parameter or state `h.weight`");
}

#[test]
fn the_planned_engine_computes_every_operation() {
    let all = OPERATIONS.iter().copied().flatten().map(|op| op.name);
    let missing: Vec<&str> = all.filter(|name| !planned::computes(name)).collect();
    assert!(missing.is_empty(), "no lowering for {missing:?}");
}

#[test]
fn the_candle_engine_computes_every_operation_but_gradients() {
    let gradient = |name: &str| name.ends_with("_grad") || name == "polar";
    let all = OPERATIONS.iter().copied().flatten().map(|op| op.name);
    let missing: Vec<&str> = all.filter(|name| !gradient(name) && !candle::computes(name)).collect();
    assert!(missing.is_empty(), "no lowering for {missing:?}");
}
