//! What is judged of a sample is a function of that sample: the operations that look across samples are known, and random ones draw by
//! sample.

use crate::cli::place_of;
use crate::gradients::cases::{Case, FAMILIES};
use sslrun::compile::Program;
use sslrun::exec::{EngineKind, Feed, Phase, Store, engine};
use sslrun::graph::ops::random::RANDN;
use sslrun::graph::{Dim, Graph, Init, InputKind, NodeId, ParamKind, Parameter, Shape, TensorType};

/// The graph of a case whose first value is a batch of samples, as far as its shapes allow that.
fn batched(case: &Case) -> Option<(Graph, NodeId)> {
    let mut graph = Graph::default();
    let mut given = Vec::new();
    for (i, shape) in case.shapes.iter().enumerate() {
        given.push(if i == 0 {
            let mut dims: Vec<Dim> = shape.iter().map(|&n| Dim::from(n)).collect();
            *dims.first_mut()? = Dim::batch();
            graph.input("x", TensorType::float(Shape(dims)), InputKind::Given)
        } else {
            let (low, high) = case.range;
            graph.parameter(Parameter {
                name: format!("w{i}"),
                shape: shape.to_vec(),
                init: Init::Constant(low + 0.7 * (high - low)),
                kind: ParamKind::Weight,
                ema: None,
                unit_rows: false,
                span: None,
            })
        });
    }
    let out = (case.build)(&mut graph, &given).ok()?;
    Some((graph, out))
}

/// The result for samples `x`.
fn computed(graph: &Graph, out: NodeId, count: usize, x: &[f32]) -> Option<Vec<f32>> {
    let size = |symbol: &str| (symbol == "N").then_some(count as i64);
    let program = Program::forward(graph.clone(), vec![out]);
    let mut memory = Store::<f32>::new(&program.graph, &size, 1).ok()?;
    let mut engine = engine::<f32>(EngineKind::Planned, &program, &size).ok()?;
    engine.run(&mut memory, &Feed { inputs: vec![("x", x)], ..Feed::default() }).ok()?;
    Some(engine.output(0).to_vec())
}

#[test]
fn an_operation_that_is_not_known_to_mix_samples_does_not() {
    let (mut tried, mut alone, mut wrong) = (0, 0, Vec::new());
    for case in FAMILIES.iter().copied().flatten() {
        let Some((graph, out)) = batched(case) else { continue };
        let count = case.shapes[0][0];
        let length: usize = case.shapes[0].iter().product();
        let (low, high) = case.range;
        let value = |i: usize, step: f64| low + (high - low) * (0.5 + 0.5 * ((i as f64 + 1.0) * step).sin());
        let first: Vec<f32> = (0..length).map(|i| value(i, 0.37) as f32).collect();
        let mut other = first.clone();
        other[..length / count].iter_mut().enumerate().for_each(|(i, x)| *x = value(i, 0.91) as f32);
        let (Some(a), Some(b)) = (computed(&graph, out, count, &first), computed(&graph, out, count, &other)) else {
            continue;
        };
        tried += 1;
        if graph.mixing(out).is_some() {
            continue;
        }
        alone += 1;
        // The rows of the other samples: all but the first of `count` parts, where there are samples in the result.
        let along: Vec<bool> = graph.shape(out).0.iter().map(|d| d.symbols().contains(&"N")).collect();
        if along.iter().skip(1).any(|n| *n) {
            continue;
        }
        let part = if along.first() == Some(&true) { a.len() / count } else { 0 };
        if a[part..] != b[part..] {
            wrong.push(case.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?} look at other samples");
    assert!(tried > 60 && alone > 40, "{alone} of {tried}");
}

#[test]
fn operations_across_samples_are_found() {
    let input = |graph: &mut Graph| {
        graph.input("x", TensorType::float(Shape(vec![Dim::batch(), Dim::from(4usize)])), InputKind::Given)
    };
    type Build = fn(&mut Graph, NodeId) -> Result<NodeId, sslrun::graph::ShapeError>;
    let mixed: [(&str, Build); 7] = [
        ("a mean over the batch", |g, x| g.mean(x, &[0], true)),
        ("a softmax over the batch", |g, x| {
            let turned = g.permute(x, &[1, 0])?;
            g.softmax(turned)
        }),
        ("a product of two samples", |g, x| g.product(x, x, false, true)),
        ("a slice of the batch", |g, x| g.slice(x, 0, &Dim::from(1usize), &(&Dim::batch() - &Dim::from(1usize)))),
        ("a sample's place", |g, x| {
            let places = g.arange(&Dim::batch());
            let places = g.reshape(places, &[Dim::batch(), Dim::from(1usize)])?;
            g.add(x, places)
        }),
        ("rows joined", |g, x| g.reshape(x, &[Dim::from(2usize), &Dim::batch() * &Dim::from(2usize)])),
        ("a sum of all", |g, x| g.sum_all(x)),
    ];
    for (what, build) in mixed {
        let mut graph = Graph::default();
        let x = input(&mut graph);
        let out = build(&mut graph, x).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!(graph.mixing(out).is_some(), "{what}");
        assert!(graph.mixing(x).is_none());
    }
}

#[test]
fn each_use_of_a_random_operation_has_a_stream_of_its_own() {
    let mut graph = Graph::default();
    let x = graph.input("x", TensorType::float(Shape(vec![Dim::batch(), Dim::from(3usize)])), InputKind::Given);
    let shape = graph.shape(x).0.clone();
    let noise = graph.random(&RANDN, &shape, 7).expect("noise");
    let out = graph.add(x, noise).expect("a sum");
    let program = Program::forward(graph, vec![out]);
    for kind in [EngineKind::Planned, EngineKind::Candle] {
        let draw = |step: u64, phase: Phase, samples: &[u64]| {
            let size = |symbol: &str| (symbol == "N").then_some(2);
            let mut memory = Store::<f32>::new(&program.graph, &size, 1).expect("a memory");
            let mut engine = engine::<f32>(kind, &program, &size).expect("an engine");
            let feed = Feed { inputs: vec![("x", &[0.0; 6])], step, phase, samples, seed: 3, ..Feed::default() };
            engine.run(&mut memory, &feed).expect("a run");
            engine.output(0).to_vec()
        };
        let phases = [
            Phase::Training,
            Phase::Refresh { batch: 0 },
            Phase::Refresh { batch: 1 },
            Phase::Refresh { batch: 2 },
            Phase::Tuning,
            Phase::Judging,
        ];
        let all: Vec<Vec<f32>> = phases.iter().flat_map(|p| [1, 2].map(|step| draw(step, *p, &[]))).collect();
        for (i, a) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|b| a != b), "two of the streams are one");
        }
        // By sample: whatever stands beside it, and wherever it stands.
        let (ab, ba) = (draw(0, Phase::Judging, &[5, 9]), draw(0, Phase::Judging, &[9, 5]));
        assert_eq!((&ab[..3], &ab[3..]), (&ba[3..], &ba[..3]));
        assert_ne!(ab[..3], ab[3..]);
    }
}

/// The numbers of a `.npy` file.
fn npy(path: &std::path::Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[header..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

const NOISY: &str = "views { a, b: crop(0.5..1) }
let noisy(x: [N, D]) = x + 5 * randn([N, D])
branch f { encoder: small_convnet(width: 4) | noisy; projector: linear(8) }
loss { l: nt_xent(f(a), f(b)) }
train { epochs: 0; batch: 16; optimizer: adamw(lr: 1e-3) }
evaluate { probes: [knn(k: 1)] }";

#[test]
fn noise_of_an_encoder_belongs_to_the_picture_and_is_told() {
    let place = place_of("noisy", NOISY);
    let (out, err) = place.expect(0, &[&place.recipe, "--data", "shapes:train=300,test=150,size=16", "-o", "x"]);
    assert!(err.contains("random-features"), "{err}");
    // Noise ten times as large as what it covers leaves nothing of the classes.
    let knn = out.lines().find(|l| l.contains("trained")).and_then(|l| l.split('│').nth(2)).expect("a k-NN");
    let percent: f64 = knn.trim().trim_end_matches('%').trim().parse().expect("a share");
    assert!(percent < 30.0, "{out}");
    place.expect(0, &["embed", "x", "-o", "all.npy"]);
    place.expect(0, &["embed", "x", "-o", "few.npy", "--split", "test", "--data", "shapes:train=300,test=40,size=16"]);
    let (all, few) = (npy(&place.folder.join("all.npy")), npy(&place.folder.join("few.npy")));
    let dim = all.len() / 150;
    assert_eq!(few, all[..few.len()]);
    let row = |i: usize| &all[i * dim..(i + 1) * dim];
    let apart = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart(row(0), row(100)) > 1.0, "samples a batch apart have the same noise");
}

#[test]
fn features_that_depend_on_the_batch_are_warned_of_and_nothing_is_filled_up() {
    let text = NOISY.replace("| noisy", "| standardize").replace("epochs: 0", "epochs: 1");
    let place = place_of("standardize", &text);
    let (_, err) = place.expect(0, &["check", &place.recipe]);
    assert!(err.contains("batch-dependent") && err.contains("standardize"), "{err}");
    place.expect(0, &[&place.recipe, "--data", "shapes:train=64,test=150,size=16", "-o", "x", "--quiet"]);
    place.expect(0, &["embed", "x", "-o", "all.npy"]);
    let all = npy(&place.folder.join("all.npy"));
    let dim = all.len() / 150;
    for batch in [0..100, 100..150] {
        let count = batch.len() as f32;
        for column in 0..dim {
            let mean = batch.clone().map(|row| all[row * dim + column]).sum::<f32>() / count;
            assert!(mean.abs() < 1e-4, "column {column} of {batch:?} has a mean of {mean}");
        }
    }
}

#[test]
fn rows_cut_across_samples_are_no_features() {
    let text =
        NOISY.replace("let noisy(x: [N, D]) = x + 5 * randn([N, D])", "let noisy(x) = index_select(x, arange(8))");
    let place = place_of("across", &text);
    let output = place.run(&["check", &place.recipe]);
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(err.contains("batch-dependent") || output.status.code() == Some(1), "{err}");
}
