//! The two engines held against each other.

use sslrun::catalog::Schedule;
use sslrun::compile::{Program, Wishes};
use sslrun::exec::{Engine, EngineKind, Feed, Store, engine};
use sslrun::exec::{candle, planned};
use sslrun::graph::Operation;
use sslrun::graph::TensorType;
use sslrun::graph::ops::OPERATIONS;
use sslrun::graph::ops::conv::Conv;
use sslrun::graph::ops::random::RANDN;
use sslrun::graph::ops::window::Window;
use sslrun::graph::ops::{fused, linalg};
use sslrun::graph::{Attrs, Dim, Fan, Graph, Init, InputKind, NodeId, ParamKind, Parameter, Shape, ShapeError, State};

pub fn parameter(name: &str, shape: &[usize], init: Init) -> Parameter {
    Parameter {
        name: name.into(),
        shape: shape.to_vec(),
        init,
        kind: ParamKind::Weight,
        ema: None,
        unit_rows: false,
        span: None,
    }
}

pub fn sizes(name: &str) -> Option<i64> {
    (name == "N").then_some(4)
}

#[test]
fn the_planned_engine_computes_every_operation() {
    let all = OPERATIONS.iter().copied().flatten();
    let missing: Vec<&&Operation> = all.filter(|op| !planned::computes(op)).collect();
    assert!(missing.is_empty(), "no lowering for {missing:?}");
}

#[test]
fn the_candle_engine_computes_every_operation_but_gradients_and_fused_ones() {
    let gradient = |op: &Operation| op.to_string().ends_with("_grad") || *op == linalg::POLAR;
    let fused = |op: &Operation| fused::OPERATIONS.contains(&op);
    let all = OPERATIONS.iter().copied().flatten();
    let missing: Vec<&&Operation> = all.filter(|op| !gradient(op) && !fused(op) && !candle::computes(op)).collect();
    assert!(missing.is_empty(), "no lowering for {missing:?}");
}

/// A small network with everything that lives between steps: running statistics, a queue, noise and a schedule.
fn network() -> Result<Program, ShapeError> {
    let mut g = Graph::default();
    let image = TensorType::float(Shape(vec![Dim::batch(), 8usize.into(), 8usize.into(), 3usize.into()]));
    let x = g.input("view", image, InputKind::View(0));
    let filters = g.parameter(parameter("conv.weight", &[6, 3, 3, 3], Init::KaimingNormal(Fan::Out)));
    let y = g.conv2d(x, filters, Conv { stride: 1, padding: 1, groups: 1 })?;
    let y = batch_norm(&mut g, y, 6)?;
    let y = g.max_pool(y, Window { kernel: 3, stride: 2, padding: 1 })?;
    let y = g.mean(y, &[1, 2], false)?;
    let weight = g.parameter(parameter("head.weight", &[6, 5], Init::Normal(0.5)));
    let y = g.matmul(y, weight)?;
    let noise = g.random(&RANDN, &[Dim::batch(), 5usize.into()], 4)?;
    let noise = g.scale(noise, 0.1)?;
    let noisy = g.add(y, noise)?;
    let mask = g.dropout_mask(noisy, 0.25, 9)?;
    let z = g.mul(noisy, mask)?;
    let loss = contrast(&mut g, z, y)?;
    Program::training(g, &[loss, z], loss, &["view"], Wishes::default())
}

fn batch_norm(g: &mut Graph, x: NodeId, channels: usize) -> Result<NodeId, ShapeError> {
    let gamma = g.parameter(parameter("bn.weight", &[channels], Init::Constant(1.0)));
    let beta = g.parameter(parameter("bn.bias", &[channels], Init::Constant(0.1)));
    let stats = g.channel_stats(x)?;
    let shape = Shape::of(&[channels]);
    let (state, old) = g.state(State { name: "bn.running_var".into(), shape, init: Init::Constant(1.0), span: None });
    let count = &Dim::batch() * &Dim::from(64i64);
    let attrs = Attrs::new().float("momentum", 0.1).int("row", 1).dims("count", &[count]);
    let next = g.apply(&sslrun::graph::ops::norm::RUNNING_AVERAGE, attrs, &[old, stats])?;
    g.update(state, next);
    let y = g.batch_norm(x, stats, Some([gamma, beta]), 1e-5)?;
    g.relu(y)
}

/// The cross entropy of rows with themselves against a queue of earlier rows, at a scheduled temperature.
fn contrast(g: &mut Graph, z: NodeId, key: NodeId) -> Result<NodeId, ShapeError> {
    let shape = Shape::of(&[12, 5]);
    let (queue, old) = g.state(State { name: "queue".into(), shape, init: Init::Sphere, span: None });
    let key = g.stopgrad(key)?;
    let (all, new) = (Dim::from(12i64), Dim::batch());
    let kept = g.slice(old, 0, &Dim::default(), &(&all - &new))?;
    let next = g.concat(&[key, kept], 0)?;
    let next = g.reshape(next, &[all, Dim::from(5i64)])?;
    g.update(queue, next);
    let candidates = g.concat(&[key, old], 0)?;
    let columns = g.transpose_last(candidates)?;
    let temperature = g.scheduled(Schedule::constant(0.5));
    let logits = g.matmul(z, columns)?;
    let logits = g.div(logits, temperature)?;
    let labels = g.arange(&Dim::batch());
    let each = g.cross_entropy(labels, logits)?;
    g.mean_all(each)
}

/// Losses, input gradients, parameters and states of some steps of gradient descent.
fn train(kind: EngineKind) -> Vec<f32> {
    let program = network().unwrap();
    let mut memory = Store::<f32>::new(&program.graph, &sizes, 5).unwrap();
    let mut engine: Box<dyn Engine> = engine(kind, &program, &sizes).unwrap();
    let mut seen = Vec::new();
    for step in 0..4 {
        let view: Vec<f32> = (0..4 * 8 * 8 * 3).map(|i| ((i * 7 + step * 13) as f32 * 0.37).sin()).collect();
        let inputs = vec![("view", view.as_slice())];
        let feed =
            Feed { inputs, scalars: vec![0.5 - 0.05 * step as f64], step: step as u64, seed: 11, ..Feed::default() };
        engine.run(&mut memory, &feed).unwrap();
        seen.extend([engine.output(0), engine.output(1), engine.input_gradient("view").unwrap()].concat());
        for (i, &(id, _)) in program.grads.iter().enumerate() {
            let gradient = engine.gradient(i);
            let id = memory.param(id);
            memory.get_mut(id).iter_mut().zip(gradient).for_each(|(w, g)| *w -= 0.2 * g);
        }
    }
    assert_eq!((program.grads.len(), engine.output_shape(1)), (4, [4, 5].as_slice()));
    seen.extend(memory.iter().flat_map(|buffer| buffer.values));
    seen
}

#[test]
fn both_engines_train_a_network_alike() {
    let (planned, candle) = (train(EngineKind::Planned), train(EngineKind::Candle));
    crate::fixtures::assert_close("four steps", &planned, &candle, 1e-5);
    assert_eq!(planned, train(EngineKind::Planned), "a run repeats itself");
}

#[test]
fn gradients_that_share_memory_are_apart() {
    let mut g = Graph::default();
    let [a, b] = ["a", "b"].map(|name| g.parameter(parameter(name, &[3], Init::Constant(2.0))));
    let sum = g.add(a, b).unwrap();
    let loss = g.sum_all(sum).unwrap();
    let program = Program::training(g, &[loss, sum], loss, &[], Wishes::default()).unwrap();
    let mut memory = Store::<f32>::new(&program.graph, &sizes, 0).unwrap();
    let mut engine = engine::<f32>(EngineKind::Planned, &program, &sizes).unwrap();
    for _ in 0..2 {
        let outcome = engine.run(&mut memory, &Feed::default()).unwrap();
        assert_eq!([engine.gradient(0), engine.gradient(1), engine.output(1)], [[1.0; 3], [1.0; 3], [4.0; 3]]);
        assert_eq!((outcome.fault, outcome.norms), (None, vec![3f64.sqrt(); 2]));
    }
}

#[test]
fn errors_name_what_failed() {
    let mut g = Graph::default();
    let a = g.parameter(parameter("a", &[2, 2], Init::Constant(-1.0)));
    let place = sslrun::source::Span::new(sslrun::source::FileId::ALONE, 3..7);
    let factor = g.at(Some(place), |g| g.cholesky(a)).unwrap();
    let program = Program::forward(g, vec![factor]);
    for kind in [EngineKind::Planned, EngineKind::Candle] {
        let mut memory = Store::<f32>::new(&program.graph, &sizes, 0).unwrap();
        let mut engine = engine::<f32>(kind, &program, &sizes).unwrap();
        let error = engine.run(&mut memory, &Feed::default()).unwrap_err();
        assert!(error.to_string().contains("not positive definite"), "{error}");
        assert_eq!((error.operation.as_deref(), error.span.map(|s| s.start)), (Some("cholesky"), Some(3)));
    }
    let program = network().unwrap();
    let mut memory = Store::<f32>::new(&program.graph, &sizes, 0).unwrap();
    let mut engine = engine::<f32>(EngineKind::Planned, &program, &sizes).unwrap();
    let error = engine.run(&mut memory, &Feed::default()).unwrap_err();
    assert_eq!(error.message, "no input `view` is given");
}
