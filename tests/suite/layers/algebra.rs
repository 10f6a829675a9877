//! Softmax, divergences and linear algebra against PyTorch.

use super::run::{batch_input, run};
use crate::fixtures::{Fixture, Tensor, assert_close};
use sslrun::exec::Real;
use sslrun::graph::{Call, Graph, InputKind, NodeId, Shape, ShapeError, TensorType, Value, ops};

/// Calls a function of the language.
fn call(g: &mut Graph, name: &str, args: &[(&'static str, Value)]) -> Result<NodeId, ShapeError> {
    let function = ops::FUNCTIONS.iter().flat_map(|family| family.iter()).find(|f| f.entry.name == name);
    let function = function.unwrap_or_else(|| panic!("no function {name}"));
    (function.build)(g, &Call { args: args.to_vec(), stream: 3 })
}

fn axes(axes: &[i64]) -> (&'static str, Value) {
    ("dim", Value::Axes(axes.to_vec()))
}

/// The expressions of the fixture, by hand.
fn expression(case: &str, g: &mut Graph, inputs: &[NodeId]) -> Result<NodeId, ShapeError> {
    let (x, y) = (inputs[0], *inputs.last().unwrap());
    let one = |name: &'static str| [(name, Value::Tensor(x))];
    let along = |dim: (&'static str, Value)| [("x", Value::Tensor(x)), dim];
    let two = |a, b| [(a, Value::Tensor(x)), (b, Value::Tensor(y))];
    match case {
        "softmax" | "softmax_large" => call(g, "softmax", &along(axes(&[1]))),
        "softmax_first" => call(g, "softmax", &along(axes(&[0]))),
        "log_softmax" | "log_softmax_large" => call(g, "log_softmax", &along(axes(&[1]))),
        "logsumexp" => call(g, "logsumexp", &one("x")),
        "logsumexp_dim" | "logsumexp_large" => call(g, "logsumexp", &along(axes(&[1]))),
        "logsumexp_last" => call(g, "logsumexp", &along(axes(&[-1]))),
        "logsumexp_dims" => call(g, "logsumexp", &along(axes(&[0, 2]))),
        "logsumexp_keepdim" => {
            call(g, "logsumexp", &[("x", Value::Tensor(x)), axes(&[1]), ("keepdim", Value::Bool(true))])
        }
        "cross_entropy" | "cross_entropy_large" | "cross_entropy_labels" => {
            call(g, "cross_entropy", &two("target", "logits"))
        }
        "kl" => call(g, "kl", &two("p", "q")),
        "entropy" => call(g, "entropy", &one("p")),
        "cholesky" => {
            let product = g.product(x, x, false, true)?;
            plus_identity(g, product, "cholesky")
        }
        "triangular_solve" => call(g, "triangular_solve", &two("l", "b")),
        "logdet_gram" => {
            let product = g.product(x, x, true, false)?;
            plus_identity(g, product, "logdet")
        }
        "logdet" => call(g, "logdet", &one("a")),
        "nuclear_norm" | "nuclear_norm_wide" => call(g, "nuclear_norm", &one("a")),
        "singular_values" => call(g, "singular_values", &one("a")),
        _ => panic!("no expression for {case}"),
    }
}

fn plus_identity(g: &mut Graph, a: NodeId, then: &str) -> Result<NodeId, ShapeError> {
    let size = g.shape(a).0[0].clone();
    let identity = g.eye(&size)?;
    let sum = g.add(a, identity)?;
    call(g, then, &[("a", Value::Tensor(sum))])
}

const CASES: [&str; 23] = [
    "softmax",
    "softmax_large",
    "softmax_first",
    "log_softmax",
    "log_softmax_large",
    "logsumexp",
    "logsumexp_dim",
    "logsumexp_large",
    "logsumexp_last",
    "logsumexp_dims",
    "logsumexp_keepdim",
    "cross_entropy",
    "cross_entropy_large",
    "cross_entropy_labels",
    "kl",
    "entropy",
    "cholesky",
    "triangular_solve",
    "logdet",
    "logdet_gram",
    "nuclear_norm",
    "nuclear_norm_wide",
    "singular_values",
];

fn check<T: Real>(tolerance: f64) {
    let fixture = Fixture::load("ops");
    for case in CASES {
        let inputs: Vec<(String, &Tensor)> =
            (0..3).filter_map(|i| Some((format!("in{i}"), fixture.find(&format!("{case}/in{i}"))?))).collect();
        let mut graph = Graph::default();
        let nodes: Vec<NodeId> = inputs.iter().map(|(name, t)| input(&mut graph, &fixture, case, name, t)).collect();
        let out = expression(case, &mut graph, &nodes).unwrap_or_else(|e| panic!("{case}: {e}"));
        let given: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, t)| (name.as_str(), *t)).collect();
        let by: Vec<&str> = given.iter().map(|(name, _)| *name).filter(|n| grad(&fixture, case, n).is_some()).collect();
        let ran = run::<T>(graph, out, fixture.find(&format!("{case}/cot")), &by, &given, &|_, _| None);
        assert_close(case, &ran.out, &fixture.get(&format!("{case}/out")).values, tolerance);
        for name in by {
            assert_close(
                &format!("{case} {name}"),
                &ran.grads[name],
                &grad(&fixture, case, name).unwrap().values,
                tolerance,
            );
        }
    }
}

/// The gradient by the input of that name; an input without one holds whole numbers.
fn grad<'a>(fixture: &'a Fixture, case: &str, name: &str) -> Option<&'a Tensor> {
    fixture.find(&format!("{case}/{}", name.replace("in", "grad")))
}

fn input(graph: &mut Graph, fixture: &Fixture, case: &str, name: &str, tensor: &Tensor) -> NodeId {
    let shape = Shape::of(&tensor.shape);
    let ty = if grad(fixture, case, name).is_some() { TensorType::float(shape) } else { TensorType::int(shape) };
    graph.input(name, ty, InputKind::Given)
}

#[test]
fn values_and_gradients_are_pytorchs_in_f32() {
    check::<f32>(1e-4);
}

#[test]
fn values_and_gradients_are_pytorchs_in_f64() {
    check::<f64>(3e-7);
}

#[test]
fn nothing_times_its_logarithm_is_nothing() {
    let p = Tensor { shape: vec![1, 3], values: vec![0.0, 0.5, 0.5] };
    let one = Tensor { shape: vec![1], values: vec![1.0] };
    let mut graph = Graph::default();
    let x = batch_input(&mut graph, "x", &p);
    let divergence = call(&mut graph, "kl", &[("p", Value::Tensor(x)), ("q", Value::Tensor(x))]).unwrap();
    let entropy = call(&mut graph, "entropy", &[("p", Value::Tensor(x))]).unwrap();
    let out = graph.add(divergence, entropy).unwrap();
    let ran = run::<f32>(graph, out, Some(&one), &["x"], &[("x", &p)], &|_, _| None);
    assert_close("entropy", &ran.out, &[2f32.ln()], 1e-6);
    assert!(ran.grads["x"].iter().all(|g| g.is_finite()), "{:?}", ran.grads);
}

#[test]
fn misfits_are_explained() {
    let mut g = Graph::default();
    let tensor = |g: &mut Graph, name: &str, dims: &[usize]| {
        Value::Tensor(g.input(name, TensorType::float(Shape::of(dims)), InputKind::Given))
    };
    let [square, wide, matrix, vector] =
        [("s", &[3, 3][..]), ("w", &[3, 5]), ("m", &[5, 3]), ("v", &[3])].map(|(n, d)| tensor(&mut g, n, d));
    let mut message = |name, args: &[(&'static str, Value)]| call(&mut g, name, args).unwrap_err().message;
    assert_eq!(message("cholesky", &[("a", wide.clone())]), "cholesky needs a square matrix, this is [3, 5]");
    assert_eq!(message("nuclear_norm", &[("a", vector.clone())]), "nuclear_norm needs a matrix, this is [3]");
    assert_eq!(
        message("triangular_solve", &[("l", square), ("b", vector)]),
        "triangular_solve needs a matrix, this is [3]"
    );
    assert_eq!(
        message("cross_entropy", &[("target", matrix), ("logits", wide)]),
        "cross_entropy: a target [5, 3] does not fit logits [3, 5]"
    );
}
