//! Divergences where probabilities are zero, and what linear algebra says of misfits.

use super::run::{batch_input, run};
use crate::fixtures::{Tensor, assert_close};
use sslrun::exec::EngineKind;
use sslrun::graph::{Call, Graph, InputKind, NodeId, Shape, ShapeError, TensorType, Value, ops};

/// Calls a function of the language.
fn call(g: &mut Graph, name: &str, args: &[(&'static str, Value)]) -> Result<NodeId, ShapeError> {
    let function = ops::FUNCTIONS.iter().flat_map(|family| family.iter()).find(|f| f.entry.name == name);
    let function = function.unwrap_or_else(|| panic!("no function {name}"));
    (function.build)(g, &Call { args: args.to_vec(), stream: 3 })
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
    let ran = run::<f32>(EngineKind::Planned, graph, out, Some(&one), &["x"], &[("x", &p)], &|_, _| None);
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
