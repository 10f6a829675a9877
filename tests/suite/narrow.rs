//! What is read of a tensor decides what is computed of it, and changes no number.

use super::fusion::{run, trained};
use sslrun::compile::{Program, Wishes};
use sslrun::graph::ops::attention::Attended;
use sslrun::graph::{Dim, Graph, Init, InputKind, NodeId, ParamKind, Parameter, Shape, ShapeError, TensorType};

/// The shapes that the live nodes of an operation compute.
fn shapes(program: &Program, operation: &str) -> Vec<String> {
    let live = program.live().into_iter().map(|id| program.graph.node(id));
    live.filter(|node| node.kind.to_string() == operation).map(|node| node.ty.shape.to_string()).collect()
}

fn parameter(g: &mut Graph, name: &str, shape: &[usize]) -> NodeId {
    let (init, kind) = (Init::Uniform(1.0), ParamKind::Weight);
    g.parameter(Parameter {
        name: name.into(),
        shape: shape.to_vec(),
        init,
        kind,
        ema: None,
        unit_rows: false,
        span: None,
    })
}

/// `x w.T + b` with a weight of that name.
fn linear(g: &mut Graph, x: NodeId, name: &str, sizes: [usize; 2]) -> Result<NodeId, ShapeError> {
    let weight = parameter(g, &format!("{name}.weight"), &sizes);
    let bias = parameter(g, &format!("{name}.bias"), &sizes[..1]);
    let product = g.product(x, weight, false, true)?;
    g.add(product, bias)
}

/// `length` rows of `[N, 5, 4]` from `start` on.
fn rows(g: &mut Graph, x: NodeId, start: i64, length: i64) -> Result<NodeId, ShapeError> {
    g.slice(x, 1, &Dim::from(start), &Dim::from(length))
}

/// What is made of `x [N, 5, 4]`: a tensor, and what is read of it.
type Build = fn(&mut Graph, NodeId) -> Result<[NodeId; 2], ShapeError>;

/// The step whose loss is the mean square of what is read; `whole` says that the tensor itself is a result, too.
fn step(build: Build, whole: bool) -> Program {
    let program = || {
        let mut g = Graph::default();
        let shape = Shape(vec![Dim::batch(), Dim::from(5i64), Dim::from(4i64)]);
        let x = g.input("x", TensorType::float(shape), InputKind::Given);
        let [tensor, read] = build(&mut g, x)?;
        let square = g.square(read)?;
        let loss = g.mean_all(square)?;
        let terms = if whole { vec![loss, tensor] } else { vec![loss] };
        Program::training(g, &terms, loss, &["x"], Wishes::default())
    };
    program().unwrap_or_else(|e: ShapeError| panic!("{e}"))
}

/// The step, after it has been held to the one that computes everything.
fn narrow(build: Build) -> Program {
    let (narrow, whole) = (step(build, false), step(build, true));
    for (narrow, whole) in run(&narrow).iter().zip(run(&whole)) {
        let largest = whole.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        assert!(largest > 0.0, "a value that says something");
        let error = narrow.iter().zip(&whole).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
        assert!(error < 1e-12 * largest, "{error:e} of {largest:e}");
    }
    narrow
}

/// A block of a transformer: attention of two heads with a bias of the scores, packed or not, left out for some samples; then a
/// perceptron.
fn block(g: &mut Graph, x: NodeId, packed: bool) -> Result<NodeId, ShapeError> {
    let affine = ["gamma", "beta"].map(|name| parameter(g, name, &[4]));
    let normal = g.layer_norm(x, Some(affine), 1e-6)?;
    let of = match packed {
        true => Attended::Packed(linear(g, normal, "qkv", [12, 4])?),
        false => Attended::Apart([
            linear(g, normal, "q", [4, 4])?,
            linear(g, normal, "k", [4, 4])?,
            linear(g, normal, "v", [4, 4])?,
        ]),
    };
    let bias = parameter(g, "scores", &[2, 5, 5]);
    let attended = g.attention(of, 2, Some(bias))?;
    let added = linear(g, attended, "proj", [4, 4])?;
    let samples = g.shape(x).0[0].clone();
    let kept = g.drop_mask(&[samples, Dim::from(1i64), Dim::from(1i64)], 0.4, 7)?;
    let added = g.mul(added, kept)?;
    let x = g.add(x, added)?;
    let hidden = linear(g, x, "fc1", [8, 4])?;
    let hidden = g.gelu(hidden)?;
    let kept = g.dropout_mask(hidden, 0.3, 8)?;
    let hidden = g.mul(hidden, kept)?;
    let places = parameter(g, "places", &[1, 5, 1]);
    let hidden = g.add(hidden, places)?;
    let thought = linear(g, hidden, "fc2", [4, 8])?;
    g.add(x, thought)
}

#[test]
fn behind_the_last_attention_only_the_token_that_is_read_goes_on() {
    for packed in [true, false] {
        let build: Build = match packed {
            true => |g, x| block(g, x, true).and_then(|y| Ok([y, rows(g, y, 3, 1)?])),
            false => |g, x| block(g, x, false).and_then(|y| Ok([y, rows(g, y, 3, 1)?])),
        };
        let narrow = narrow(build);
        assert_eq!(shapes(&narrow, "attention"), ["[N, 1, 4]"]);
        assert_eq!(shapes(&narrow, "gelu"), ["[N, 1, 8]"]);
        assert_eq!(shapes(&narrow, "layer_norm"), ["[N, 5, 4]"; 2], "keys and values are of all tokens");
        let products = shapes(&narrow, "matmul");
        assert_eq!(products.iter().filter(|shape| *shape == "[N, 8]").count(), 2, "{products:?}");
        assert!(!products.contains(&"[5N, 8]".to_owned()), "{products:?}");
        assert_eq!(shapes(&step(build, true), "gelu"), ["[N, 5, 8]"], "a result is read whole");
    }
}

#[test]
fn programs_without_gradients_are_narrow_too() {
    let mut g = Graph::default();
    let x = g.input("x", TensorType::float(Shape::of(&[3, 5, 4])), InputKind::Given);
    let y = block(&mut g, x, true).unwrap();
    let first = rows(&mut g, y, 0, 1).unwrap();
    assert_eq!(shapes(&Program::forward(g.clone(), vec![first]), "gelu"), ["[3, 1, 8]"]);
    assert_eq!(shapes(&Program::forward(g, vec![first, y]), "gelu"), ["[3, 5, 8]"]);
}

#[test]
fn half_of_a_batch_is_enough() {
    let narrow = narrow(|g, x| {
        let turned = g.neg(x)?;
        let both = g.concat(&[x, turned], 0)?;
        let y = linear(g, both, "map", [6, 4])?;
        let y = g.tanh(y)?;
        Ok([y, g.slice(y, 0, &Dim::batch(), &Dim::batch())?])
    });
    assert_eq!(shapes(&narrow, "tanh"), ["[N, 5, 6]"]);
}

#[test]
fn what_is_read_in_several_parts_or_nearly_whole_is_computed_at_once() {
    let parts: [Build; 3] = [
        |g, x| {
            let y = g.exp(x)?;
            let [first, last] = [rows(g, y, 0, 2)?, rows(g, y, 3, 2)?];
            Ok([y, g.mul(first, last)?])
        },
        |g, x| {
            let y = g.exp(x)?;
            Ok([y, rows(g, y, 1, 3)?])
        },
        |g, x| {
            let y = g.exp(x)?;
            let first = rows(g, y, 0, 1)?;
            let sum = g.sum(y, &[1], true)?;
            Ok([y, g.mul(first, sum)?])
        },
    ];
    for build in parts {
        assert_eq!(shapes(&narrow(build), "exp"), ["[N, 5, 4]"]);
    }
}

#[test]
fn rows_that_meet_are_computed_whole() {
    let builds: [(&str, Build); 3] = [
        ("cumsum", |g, x| g.cumsum(x, 1).and_then(|y| Ok([y, rows(g, y, 4, 1)?]))),
        ("permute", |g, x| {
            g.transpose(x, 1, 2).and_then(|y| Ok([y, g.slice(y, 1, &Dim::from(2i64), &Dim::from(1i64))?]))
        }),
        ("layer_norm", |g, x| {
            g.layer_norm(x, None, 1e-6).and_then(|y| Ok([y, g.slice(y, 2, &Dim::from(2i64), &Dim::from(1i64))?]))
        }),
    ];
    for (operation, build) in builds {
        let whole = step(build, true);
        assert_eq!(shapes(&narrow(build), operation), shapes(&whole, operation));
    }
}

#[test]
fn encoders_that_give_a_class_token_compute_no_other_to_the_end() {
    let step = |pool: &str| trained(&format!("vit(16, 3, 2, patch: 8, pool: {pool})"), "mlp(8, 8)", "");
    let forward = ["[N, 17, 64]", "[N, 17, 64]", "[N, 1, 64]"].repeat(2);
    // For the gradients they are computed again, the last first.
    let all: Vec<&str> = forward.iter().chain(forward.iter().rev()).copied().collect();
    assert_eq!(shapes(&step("cls"), "gelu"), all);
    assert_eq!(shapes(&step("mean"), "gelu"), ["[N, 17, 64]"; 12]);
}
