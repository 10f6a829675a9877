//! The graph: shape rules and their messages, one node for equal nodes, symbolic dimensions, signatures.

use sslrun::catalog::ParamType;
use sslrun::graph::ops::{FUNCTIONS, OPERATIONS};
use sslrun::graph::{Call, DType, Dim, Function, Graph, InputKind, NodeId, Shape, ShapeError, TensorType, Value};
use std::collections::BTreeSet;

/// Dimensions from text: `N`, `2N`, `128`.
fn dims(text: &str) -> Vec<Dim> {
    let one = |word: &str| match word.find(|c: char| !c.is_ascii_digit()) {
        None => Dim::from(word.parse::<i64>().unwrap()),
        Some(0) => Dim::symbol(word),
        Some(at) => &Dim::from(word[..at].parse::<i64>().unwrap()) * &Dim::symbol(&word[at..]),
    };
    text.split_whitespace().map(one).collect()
}

fn tensor(g: &mut Graph, name: &str, shape: &str) -> NodeId {
    g.input(name, TensorType::float(Shape(dims(shape))), InputKind::Given)
}

fn pair(first: &str, second: &str) -> (Graph, NodeId, NodeId) {
    let mut g = Graph::default();
    let (x, y) = (tensor(&mut g, "x", first), tensor(&mut g, "y", second));
    (g, x, y)
}

fn function(name: &str) -> &'static Function {
    FUNCTIONS.iter().flat_map(|f| f.iter()).find(|f| f.entry.name == name).unwrap()
}

fn call(g: &mut Graph, name: &str, args: &[(&'static str, Value)]) -> Result<NodeId, ShapeError> {
    (function(name).build)(g, &Call { args: args.to_vec(), stream: 0 })
}

/// The shape of a call, or its message.
fn shape(g: &mut Graph, name: &str, args: &[(&'static str, Value)]) -> String {
    match call(g, name, args) {
        Ok(node) => g.shape(node).to_string(),
        Err(error) => error.message,
    }
}

#[test]
fn names_are_unique_and_every_function_is_described() {
    let operations: Vec<String> = OPERATIONS.iter().flat_map(|f| f.iter()).map(|o| o.to_string()).collect();
    assert_eq!(operations.iter().collect::<BTreeSet<_>>().len(), operations.len());
    let functions: Vec<&Function> = FUNCTIONS.iter().flat_map(|f| f.iter()).collect();
    assert_eq!(functions.iter().map(|f| f.entry.name).collect::<BTreeSet<_>>().len(), functions.len());
    for function in functions {
        let entry = &function.entry;
        assert!(!entry.formula.is_empty() && entry.doc.ends_with('.'), "{}", entry.name);
        for param in entry.params {
            let Some(default) = param.default.filter(|d| *d != "none") else { continue };
            let fits = match param.ty {
                ParamType::Bool => ["true", "false"].contains(&default),
                ParamType::Number { min, max } => default.parse().is_ok_and(|x: f64| min <= x && x <= max),
                ParamType::Axis | ParamType::Axes | ParamType::Dims => default.parse::<i64>().is_ok(),
                _ => true,
            };
            assert!(fits, "{}({}: {default})", entry.name, param.name);
        }
    }
}

#[test]
fn shapes_that_do_not_broadcast_are_explained() {
    let (mut g, x, y) = pair("N 128", "N 64");
    let error = g.add(x, y).unwrap_err();
    assert_eq!(error.message, "cannot add [N, 128] and [N, 64]: dimension 1 differs (128 and 64)");
    assert!(g.div(x, y).unwrap_err().message.starts_with("cannot divide [N, 128] and [N, 64]"));
    assert!(g.less(x, y).unwrap_err().message.starts_with("cannot compare [N, 128] and [N, 64]"));

    let (mut g, x, y) = pair("N 128", "N");
    let error = g.sub(x, y).unwrap_err();
    assert_eq!(error.message, "cannot subtract [N, 128] and [N]: the last dimension differs (128 and N)");
    assert!(error.help.unwrap().contains("keepdim: true"));

    let (mut g, x, y) = pair("N 128", "128 N");
    assert!(g.mul(x, y).unwrap_err().help.unwrap().contains("`.T`"));
}

#[test]
fn products_that_do_not_fit_are_explained() {
    let (mut g, x, y) = pair("N 128", "M 128");
    let error = g.matmul(x, y).unwrap_err();
    assert_eq!(error.message, "cannot multiply [N, 128] @ [M, 128]: 128 columns meet M rows");
    assert!(error.help.unwrap().contains("`x @ y.T`"));

    let (mut g, x, y) = pair("N 128", "N 64");
    assert!(g.matmul(x, y).unwrap_err().help.unwrap().contains("`x.T @ y`"));
    let transposed = g.transpose_last(x).unwrap();
    let product = g.matmul(transposed, y).unwrap();
    assert_eq!(g.shape(product).to_string(), "[128, 64]");

    let scalar = g.constant(2.0);
    assert!(g.matmul(x, scalar).unwrap_err().message.contains("both need two dimensions"));
}

#[test]
fn products_of_vectors_and_batches() {
    for (first, second, expected) in [
        ("3", "3", "[]"),
        ("3", "3 4", "[4]"),
        ("N 3", "3", "[N]"),
        ("2 N 3", "3 4", "[2, N, 4]"),
        ("2 N 3", "2 3 4", "[2, N, 4]"),
        ("2 1 N 3", "5 3 4", "[2, 5, N, 4]"),
        ("3", "2 3 4", "[2, 4]"),
        ("2 N 3", "3", "[2, N]"),
    ] {
        let (mut g, x, y) = pair(first, second);
        let product = g.matmul(x, y).unwrap();
        assert_eq!(g.shape(product).to_string(), expected, "[{first}] @ [{second}]");
    }
}

#[test]
fn shapes_of_functions() {
    let (mut g, x, _) = pair("2N 3 D", "N");
    let x = Value::Tensor(x);
    let axis = |a: i64| Value::Axes(vec![a]);
    let mut shape =
        |name: &str, args: &[(&'static str, Value)]| shape(&mut g, name, &[&[("x", x.clone())], args].concat());
    assert_eq!(shape("sum", &[]), "[]");
    assert_eq!(shape("mean", &[("dim", axis(1))]), "[2N, D]");
    assert_eq!(shape("max", &[("dim", Value::Axes(vec![0, -1])), ("keepdim", Value::Bool(true))]), "[1, 3, 1]");
    assert_eq!(shape("argmax", &[("dim", axis(-1))]), "[2N, 3]");
    assert_eq!(shape("argmax", &[]), "[]");
    assert_eq!(shape("flatten", &[]), "[2N, 3D]");
    assert_eq!(shape("transpose", &[("first", axis(0)), ("second", axis(1))]), "[3, 2N, D]");
    assert_eq!(shape("reshape", &[("shape", Value::Dims(dims("N 2 3D")))]), "[N, 2, 3D]");
    let open = [Dim::symbol("N"), Dim::from(-1i64), Dim::symbol("D")];
    assert_eq!(shape("reshape", &[("shape", Value::Dims(open.to_vec()))]), "[N, 6, D]");
    assert_eq!(
        shape("reshape", &[("shape", Value::Dims(dims("N 4 D")))]),
        "cannot reshape [2N, 3, D] to [N, 4, D]: 6D*N elements are not 4D*N"
    );
    let sum = &Dim::symbol("N") + &Dim::symbol("N");
    let open = [Dim::from(-1i64), sum];
    assert_eq!(shape("reshape", &[("shape", Value::Dims(open.to_vec()))]), "[3D, 2N]");
    let range = |from: i64, to: i64| [("from", Value::Dims(vec![from.into()])), ("to", Value::Dims(vec![to.into()]))];
    assert_eq!(shape("slice", &[&[("dim", axis(1))], &range(1, 3)[..]].concat()), "[2N, 2, D]");
    assert_eq!(shape("slice", &[&[("dim", axis(1))], &range(-2, 3)[..]].concat()), "[2N, 2, D]");
    let message = "cannot take 1..5 of dimension 1 of [2N, 3, D]: it has 3";
    assert_eq!(shape("slice", &[&[("dim", axis(1))], &range(1, 5)[..]].concat()), message);
    assert_eq!(shape("topk", &[("k", Value::Dims(dims("2"))), ("dim", axis(1))]), "[2N, 2, D]");
    assert!(shape("sum", &[("dim", axis(3))]).contains("there is no dimension 3"));
    assert!(shape("covariance", &[]).contains("[N, D]"));
    assert!(shape("diagonal", &[]).contains("square matrix"));
}

#[test]
fn joined_tensors_add_their_sizes() {
    let (mut g, x, y) = pair("N D", "4096 D");
    let joined = g.concat(&[x, y], 0).unwrap();
    assert_eq!(g.shape(joined).to_string(), "[N + 4096, D]");
    let stacked = g.stack(&[x, x, x], 1).unwrap();
    assert_eq!(g.shape(stacked).to_string(), "[N, 3, D]");
    assert!(g.concat(&[x, y], 1).unwrap_err().message.contains("cannot concatenate [N, D] and [4096, D]"));
    assert!(g.stack(&[x, y], 0).unwrap_err().message.contains("must have the same shape"));
}

#[test]
fn the_unbiased_variance_of_one_element_is_refused() {
    let (mut g, x, _) = pair("N 1", "N");
    assert!(g.variance(x, &[1], true, false).unwrap_err().message.contains("is not defined"));
    let variance = g.variance(x, &[0], true, false).unwrap();
    assert_eq!(g.shape(variance).to_string(), "[1]");
}

#[test]
fn heads_must_divide_a_width_that_is_known() {
    let attend = |shape: &str, heads: i64| {
        let mut g = Graph::default();
        let x = tensor(&mut g, "x", shape);
        let args = [("q", Value::Tensor(x)), ("k", Value::Tensor(x)), ("v", Value::Tensor(x))];
        call(&mut g, "attention", &[&args[..], &[("heads", Value::Number(heads as f64))]].concat())
    };
    for (shape, heads) in [("N T D", 1), ("N T 6", 3), ("N T 4D", 2)] {
        assert!(attend(shape, heads).is_ok(), "{shape} in {heads}");
    }
    assert_eq!(attend("N T 6", 4).unwrap_err().message, "a width of 6 does not divide into 4 heads");
    let error = attend("N T D", 2).unwrap_err();
    assert_eq!(error.message, "whether a width of D divides into 2 heads is not known");
    assert!(error.help.unwrap().contains("a number, or a multiple of 2"));
}

#[test]
fn labels_and_a_number_are_labels() {
    let mut g = Graph::default();
    let n = Dim::batch();
    let labels = g.arange(&n);
    let (size, one, half) = (g.dimension(&n), g.constant(1.0), g.constant(0.5));
    let shifted = g.add(labels, size).unwrap();
    assert_eq!(g.ty(shifted).to_string(), "int[N]");
    let next = g.sub(shifted, one).unwrap();
    assert_eq!(g.ty(next).dtype, DType::Int);
    let between = g.add(labels, half).unwrap();
    assert_eq!(g.ty(between).dtype, DType::Float);
    let ends = [("first", Value::Number(0.0)), ("last", Value::Number(3.0))];
    let numbers = call(&mut g, "linspace", &[&ends[..], &[("n", Value::Dims(dims("4")))]].concat()).unwrap();
    assert_eq!(g.ty(numbers).to_string(), "[4]");
    let same = g.equal(labels, next).unwrap();
    assert_eq!(g.ty(same).dtype, DType::Bool);
}

#[test]
fn equal_expressions_are_one_node() {
    let (mut g, x, y) = pair("N D", "N D");
    assert_eq!(g.add(x, y).unwrap(), g.add(y, x).unwrap());
    assert_ne!(g.sub(x, y).unwrap(), g.sub(y, x).unwrap());
    assert_eq!(g.exp(x).unwrap(), g.exp(x).unwrap());
    assert_ne!(g.sum(x, &[0], false).unwrap(), g.sum(x, &[1], false).unwrap());
    let before = g.len();
    let again = g.add(x, y).unwrap();
    assert_eq!((g.len(), g.add(y, x).unwrap()), (before, again));
}

#[test]
fn what_changes_nothing_makes_no_node() {
    let (mut g, x, _) = pair("N D", "N");
    let (zero, one, two) = (g.constant(0.0), g.constant(1.0), g.constant(2.0));
    let before = g.len();
    for same in [g.add(x, zero), g.add(zero, x), g.sub(x, zero), g.mul(x, one), g.div(x, one), g.pow(x, one)] {
        assert_eq!(same.unwrap(), x);
    }
    assert_eq!(g.reshape(x, &dims("N D")).unwrap(), x);
    assert_eq!(g.slice(x, 0, &Dim::default(), &Dim::batch()).unwrap(), x);
    assert_eq!(g.concat(&[x], 0).unwrap(), x);
    assert_eq!(g.len(), before);

    let turned = g.transpose_last(x).unwrap();
    assert_eq!(g.transpose_last(turned).unwrap(), x);
    let negative = g.neg(x).unwrap();
    assert_eq!(g.neg(negative).unwrap(), x);
    assert_eq!(g.pow(x, two).unwrap(), g.square(x).unwrap());
    let (twice, six) = (g.scale(x, 2.0).unwrap(), g.scale(x, 6.0).unwrap());
    assert_eq!(g.scale(twice, 3.0).unwrap(), six);
    let product = g.mul(two, two).unwrap();
    assert_eq!(g.constant_value(product), Some(4.0));
}

#[test]
fn a_part_of_a_concatenation_is_the_part() {
    let (mut g, x, y) = pair("N D", "N D");
    let joined = g.concat(&[x, y], 0).unwrap();
    let n = Dim::batch();
    assert_eq!(g.slice(joined, 0, &Dim::default(), &n).unwrap(), x);
    assert_eq!(g.slice(joined, 0, &n, &n).unwrap(), y);
}

#[test]
fn transpositions_go_into_products_and_repetitions_are_not_stored() {
    let (mut g, x, y) = pair("N D", "N D");
    let turned = g.transpose_last(y).unwrap();
    let product = g.matmul(x, turned).unwrap();
    let node = g.node(product);
    assert_eq!((node.inputs.clone(), node.attrs().get_bool("tb")), (vec![x, y], true));

    let row = g.sum(x, &[0], true).unwrap();
    let wide = g.broadcast_to(row, &dims("N D")).unwrap();
    let sum = g.mul(x, wide).unwrap();
    assert_eq!(g.node(sum).inputs, vec![x, row]);
}

#[test]
fn a_stopped_input_is_not_the_input() {
    let (mut g, x, _) = pair("N D", "N");
    let stopped = g.stopgrad(x).unwrap();
    assert_ne!(stopped, x);
    assert_eq!(g.stopgrad(stopped).unwrap(), stopped);
}
