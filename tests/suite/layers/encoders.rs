//! Residual networks against torchvision's, given the same weights.

use super::run::{Ran, batch_input, run};
use super::{apply, number};
use crate::fixtures::{Fixture, assert_close, filled};
use candle_core::DType;
use serde_json::Value;
use sslrun::catalog::Arg;
use sslrun::exec::Real;
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
    run::<T>(graph, out, cotangent, &[], &[("x", x)], &|name, shape| Some(filled(name, shape)))
}

/// Compares both modes, the first layer's gradients and running statistics. Batch norm of two images amplifies rounding,
/// most of all backwards: torch's own error in f32 is the measure of ours there, and in f64 there is none to speak of.
fn check<T: Real>(case: &str) {
    let fixture = Fixture::load("encoders");
    let config: Value = serde_json::from_str(&fixture.cases[case]).unwrap();
    let close = |key: &str, got: &[f32], tolerance: f64| {
        assert_close(&format!("{case}/{key}"), got, &fixture.get(&format!("{case}/{key}")).values, tolerance);
    };
    let rounding = |mode: &str| config[&format!("f32_error_{mode}")].as_f64().unwrap();
    close("eval", &run_case::<f32>(&fixture, case, &config, Mode::Eval).out, 10.0 * rounding("eval"));
    let ran = run_case::<T>(&fixture, case, &config, Mode::Train);
    let (forwards, backwards) = match T::DTYPE {
        DType::F64 => (1e-6, 1e-6),
        _ => (10.0 * rounding("train"), 100.0 * rounding("train")),
    };
    close("train", &ran.out, forwards);
    for name in ["bn1.weight", "bn1.bias", "conv1.weight"] {
        let key = format!("grad.{name}");
        if fixture.find(&format!("{case}/{key}")).is_some() {
            close(&key, &ran.grads[name], backwards);
        }
    }
    for name in ["bn1.running_mean", "bn1.running_var"] {
        close(&format!("new.{name}"), &ran.states[name], 1e-5);
    }
}

#[test]
fn resnet18_is_torchvisions() {
    check::<f32>("resnet18");
    check::<f32>("resnet18_small");
    check::<f32>("resnet18_small_16");
    check::<f64>("resnet18_small_16");
}

#[test]
fn resnet34_is_torchvisions() {
    check::<f32>("resnet34");
}

#[test]
fn resnet50_is_torchvisions() {
    check::<f64>("resnet50");
    check::<f64>("resnet50_small_16");
}
