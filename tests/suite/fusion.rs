//! Operations joined into one: where it happens, where it must not, and that nothing is computed otherwise.

use sslrun::check::{self, Options, Outcome};
use sslrun::compile::{Program, Wishes};
use sslrun::diag::Diagnostic;
use sslrun::exec::planned::Planned;
use sslrun::exec::{Engine, Feed, Store};
use sslrun::graph::{Attr, Graph, Init, InputKind, NodeId, ParamKind, Parameter, Shape, ShapeError, TensorType};
use sslrun::random::Rng;
use sslrun::source::{Source, Sources};

/// The training step of a recipe with two views and that encoder and projector.
fn step(encoder: &str, projector: &str) -> Program {
    trained(encoder, projector, "")
}

/// The same with more settings of its training.
pub(super) fn trained(encoder: &str, projector: &str, train: &str) -> Program {
    let checked = checked(encoder, projector, train);
    let recipe = checked.recipe.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
    let total = recipe.loss.total.unwrap();
    Program::training(recipe.graph.clone(), &[total], total, &[], recipe.train.wishes).unwrap()
}

/// What is said of that recipe.
pub(super) fn warnings(encoder: &str, projector: &str, train: &str) -> Vec<Diagnostic> {
    checked(encoder, projector, train).diagnostics
}

fn checked(encoder: &str, projector: &str, train: &str) -> Outcome {
    let text = format!(
        "recipe \"fusion\"\nviews {{ a, b: crop(0.5..1) }}\nbranch f {{ encoder: {encoder}; projector: {projector} }}\n\
         loss {{ near: mse(f(a), f(b)) }}\ntrain {{ batch: 6; optimizer: sgd(lr: 0.1); {train} }}\n"
    );
    let mut sources = Sources::default();
    let id = sources.add(Source::new("fusion.ssl", sslrun::source::Origin::Input, text));
    check::check(&mut sources, id, &Options::default())
}

pub(super) fn size(name: &str) -> Option<i64> {
    (name == "N").then_some(6)
}

/// How many live nodes are of that operation.
fn count(program: &Program, operation: &str) -> usize {
    program.live().into_iter().filter(|&id| program.graph.node(id).kind.to_string() == operation).count()
}

/// Gradients and loss in f64, all inputs random.
pub(super) fn run(program: &Program) -> Vec<Vec<f64>> {
    let mut memory = Store::<f64>::new(&program.graph, &size, 3).unwrap();
    let mut rng = Rng::new(&[5]);
    let mut values = |shape: &Shape| -> Vec<f32> {
        (0..shape.concrete(&size).unwrap().iter().product::<usize>()).map(|_| rng.normal() as f32).collect()
    };
    let given: Vec<Vec<f32>> = program.graph.inputs.iter().map(|input| values(&input.ty.shape)).collect();
    let inputs = program.graph.inputs.iter().map(|i| i.name.as_str()).zip(given.iter().map(Vec::as_slice)).collect();
    let mut engine = Planned::<f64>::new(program, &size).unwrap();
    engine.run(&mut memory, &Feed { inputs, ..Feed::default() }).unwrap();
    let gradients = (0..program.grads.len()).map(|i| engine.gradient(i).to_vec());
    gradients.chain([engine.output(0).to_vec()]).collect()
}

/// Asserts that a program computes the same fused, and gives it back fused.
fn fused(program: Program) -> Program {
    let expected = run(&program);
    let fused = program.fused();
    let largest = |v: &[f64]| v.iter().fold(1e-6, |m: f64, x| m.max(x.abs()));
    for (got, expected) in run(&fused).iter().zip(&expected) {
        let error = got.iter().zip(expected).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs())) / largest(expected);
        assert!(error < 1e-9, "{error:e}");
    }
    fused
}

#[test]
fn batch_norms_of_a_residual_network_take_what_follows_them() {
    let program = step("resnet18(stem: small, width: 4)", "mlp(8, 8)");
    let norms = count(&program, "channel_stats");
    let fused = fused(program);
    // For each view and without the projector: 3 norms on projections stay apart, all others take the `relu` and, in 8 blocks,
    // the sum before it.
    let relus = 2 * (norms / 2 - 3);
    // Those without a sum are computed again for the gradients of what reads them.
    let inner = relus - 2 * 8;
    assert_eq!((count(&fused, "batch_norm"), count(&fused, "batch_norm_relu")), (6, relus + inner), "of {norms}");
    assert_eq!(count(&fused, "relu"), 0);
    assert_eq!(count(&fused, "batch_norm_relu_param_grad"), inner);
    assert_eq!(count(&fused, "batch_norm_relu_input_grad"), inner);
    // The last block's gradient comes from the mean alone.
    assert_eq!((count(&fused, "sum_relu_grad"), count(&fused, "relu_grad")), (2 * 7, 2));
}

#[test]
fn products_take_bias_activation_and_residual() {
    let fused = fused(step("vit(8, 2, 2, patch: 8)", "mlp(8, 8, norm: none)"));
    assert!(count(&fused, "linear") >= 2 * (1 + 2 * 4 + 2), "patches, two blocks of four, projector");
    let residual = |id: NodeId| fused.graph.node(id).attrs().get("residual") == Some(&Attr::Bool(true));
    assert_eq!(fused.live().into_iter().filter(|&id| residual(id)).count(), 2 * 2 * 2);
    assert_eq!(count(&fused, "relu"), 0, "the projector's is part of its product");
    assert_eq!(count(&fused, "gelu"), 2 * 4, "its gradient needs what stands before it, and it is computed again");
}

/// A loss of `relu(batch_norm(x w))` and of what `also` makes of the norm and of its `relu`.
fn with(also: fn(&mut Graph, NodeId, NodeId) -> Result<NodeId, ShapeError>) -> Program {
    let build = || {
        let mut g = Graph::default();
        let x = g.input("x", TensorType::float(Shape::of(&[6, 5])), InputKind::Given);
        let [w, gamma, beta] = [("w", vec![5, 4]), ("gamma", vec![4]), ("beta", vec![4])].map(|(name, shape)| {
            let (init, kind) = (Init::Uniform(1.0), ParamKind::Weight);
            g.parameter(Parameter { name: name.into(), shape, init, kind, ema: None, unit_rows: false, span: None })
        });
        let x = g.matmul(x, w)?;
        let stats = g.channel_stats(x)?;
        let norm = g.batch_norm(x, stats, Some([gamma, beta]), 1e-5)?;
        let y = g.relu(norm)?;
        let other = also(&mut g, norm, y)?;
        let sum = g.exp(y)?;
        let sum = g.add(sum, other)?;
        let loss = g.mean_all(sum)?;
        Program::training(g, &[loss], loss, &[], Wishes::default())
    };
    build().unwrap_or_else(|e: ShapeError| panic!("{e}"))
}

#[test]
fn what_is_used_elsewhere_stays() {
    let alone = fused(with(|g, _, _| Ok(g.constant(1.0))));
    assert_eq!((count(&alone, "batch_norm_relu"), count(&alone, "batch_norm_relu_input_grad")), (1, 1));
    let norm_used = fused(with(|g, norm, _| g.tanh(norm)));
    assert_eq!((count(&norm_used, "batch_norm_relu"), count(&norm_used, "batch_norm")), (0, 1));
    assert_eq!(count(&norm_used, "batch_norm_relu_input_grad"), 0);
    let mut program = with(|g, _, y| g.tanh(y));
    let norm = program.live().into_iter().find(|&id| program.graph.node(id).kind.to_string() == "batch_norm").unwrap();
    program.outputs.push(norm);
    assert_eq!(count(&fused(program), "batch_norm_relu"), 0, "a result of the program is used outside");
}
