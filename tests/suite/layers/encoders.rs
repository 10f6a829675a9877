//! Residual networks against torchvision's, given the same weights.

use super::run::{Ran, batch_input, run};
use super::{apply, number};
use crate::fixtures::{Fixture, assert_close, filled};
use serde_json::Value;
use sslrun::catalog::Arg;
use sslrun::exec::{EngineKind, Real};
use sslrun::graph::Graph;
use sslrun::nn::Mode;

fn run_case<T: Real>(fixture: &Fixture, case: &str, config: &Value, mode: Mode) -> Ran {
    let stem = config["stem"].as_str().unwrap();
    let x = fixture.get(&format!("{stem}/x"));
    let mut graph = Graph::default();
    let input = batch_input(&mut graph, "x", x);
    let args = [("stem", Arg::Text(stem.into())), ("width", number(config["width"].as_u64().unwrap() as usize))];
    let out = apply(&mut graph, "", mode, config["encoder"].as_str().unwrap(), &args, input).unwrap().value;
    let cotangent = (mode == Mode::Train).then(|| fixture.get(&format!("{case}/cot")));
    run::<T>(EngineKind::Planned, graph, out, cotangent, &[], &[("x", x)], &|name, shape| Some(filled(name, shape)))
}

/// Which gradients of a network are compared in f32; in f64 all are.
///
/// A ReLU whose input rounding moves across 0 changes the gradient by percents: of `resnet34`, moving the input's pixels by
/// their last bit leaves our f32 gradient 2.4e-5 or else more than 2.4e-2 off, of `resnet50` that is so of torch's as well.
/// No tolerance in f32 holds such a gradient and still catches a mistake.
#[derive(Clone, Copy, PartialEq)]
enum Backwards {
    Rounded,
    ExactOnly,
}

/// Compares both modes, the first layer's gradients and running statistics; torch's own error in f32 is the measure of ours.
fn check(case: &str, backwards: Backwards) {
    let fixture = Fixture::load("encoders");
    let config: Value = serde_json::from_str(&fixture.cases[case]).unwrap();
    let rounding = |mode: &str| config[&format!("f32_error_{mode}")].as_f64().unwrap();
    let eval = run_case::<f32>(&fixture, case, &config, Mode::Eval);
    close(&fixture, case, "eval", &eval.out, 10.0 * rounding("eval"));
    let rounded = run_case::<f32>(&fixture, case, &config, Mode::Train);
    close(&fixture, case, "train", &rounded.out, 10.0 * rounding("train"));
    if backwards == Backwards::Rounded {
        gradients(&fixture, case, &rounded, 100.0 * rounding("train"));
    }
    statistics(&fixture, case, &rounded, 1e-5);
    let exact = run_case::<f64>(&fixture, case, &config, Mode::Train);
    close(&fixture, case, "train", &exact.out, 1e-6);
    gradients(&fixture, case, &exact, 1e-6);
    statistics(&fixture, case, &exact, 1e-6);
}

fn gradients(fixture: &Fixture, case: &str, ran: &Ran, tolerance: f64) {
    for name in ["bn1.weight", "bn1.bias", "conv1.weight"] {
        let key = format!("grad.{name}");
        if fixture.find(&format!("{case}/{key}")).is_some() {
            close(fixture, case, &key, &ran.grads[name], tolerance);
        }
    }
}

fn statistics(fixture: &Fixture, case: &str, ran: &Ran, tolerance: f64) {
    for name in ["bn1.running_mean", "bn1.running_var"] {
        close(fixture, case, &format!("new.{name}"), &ran.states[name], tolerance);
    }
}

fn close(fixture: &Fixture, case: &str, key: &str, got: &[f32], tolerance: f64) {
    let key = format!("{case}/{key}");
    assert_close(&key, got, &fixture.get(&key).values, tolerance);
}

#[test]
fn resnet18_is_torchvisions() {
    for case in ["resnet18", "resnet18_small", "resnet18_small_16"] {
        check(case, Backwards::Rounded);
    }
}

#[test]
fn resnet34_is_torchvisions() {
    check("resnet34", Backwards::ExactOnly);
}

#[test]
fn resnet50_is_torchvisions() {
    check("resnet50", Backwards::ExactOnly);
    check("resnet50_small_16", Backwards::ExactOnly);
}
