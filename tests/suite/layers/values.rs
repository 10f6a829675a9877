//! Values and gradients of every layer against PyTorch, in f32 and f64.

use super::run::{Ran, batch_input, run};
use super::{apply, number};
use crate::fixtures::{Fixture, assert_close};
use serde_json::Value;
use sslrun::catalog::Arg;
use sslrun::exec::{EngineKind, Real};
use sslrun::graph::Graph;
use sslrun::nn::Mode;

/// The layer's word and arguments, as the fixture's metadata has them.
fn layer(config: &Value) -> (&str, Vec<(&str, Arg)>) {
    let word = match config["layer"].as_str().unwrap() {
        "max_pool" => "maxpool",
        "avg_pool" => "avgpool",
        "global_pool" => "global_avgpool",
        word => word,
    };
    let argument = |(name, value): (&'static str, &Value)| match value {
        Value::Bool(b) => Some((name, Arg::Bool(*b))),
        Value::String(t) => Some((name, Arg::Text(t.clone()))),
        Value::Number(n) => Some((name, Arg::Number(n.as_f64().unwrap()))),
        _ => None,
    };
    let names = [
        "out", "kernel", "stride", "padding", "groups", "bias", "affine", "eps", "momentum", "factor", "norm", "gain",
        "k",
    ];
    (word, names.into_iter().filter_map(|n| argument((n, &config[n]))).collect())
}

fn check<T: Real>(tolerance: f64) {
    let fixture = Fixture::load("layers");
    assert!(fixture.cases.len() > 30);
    for (case, config) in &fixture.cases {
        let config: Value = serde_json::from_str(config).unwrap();
        let get = |key: &str| fixture.get(&format!("{case}/{key}"));
        let mut graph = Graph::default();
        let x = batch_input(&mut graph, "x", get("x"));
        let (word, args) = layer(&config);
        let mode = if config["training"] == Value::Bool(false) { Mode::Eval } else { Mode::Train };
        let out = match word {
            "relu" => graph.relu(x).unwrap(),
            "gelu" => graph.gelu(x).unwrap(),
            _ => apply(&mut graph, "f", mode, word, &args, x).unwrap().value,
        };
        let fill = |name: &str, _: &[usize]| Some(get(name.strip_prefix("f.").unwrap()).values.clone());
        let ran = run::<T>(EngineKind::Planned, graph, out, Some(get("cot")), &["x"], &[("x", get("x"))], &fill);
        compare(&fixture, case, &ran, tolerance);
    }
}

/// Holds everything that the fixture knows of a case against what came of it.
fn compare(fixture: &Fixture, case: &str, ran: &Ran, tolerance: f64) {
    for (key, want) in fixture.under(&format!("{case}/")) {
        let got = match key {
            "out" => Some(&ran.out),
            "grad_x" => Some(&ran.grads["x"]),
            _ if key.starts_with("grad_") => Some(&ran.grads[&key.replacen("grad_", "f.", 1)]),
            _ if key.starts_with("new_") => Some(&ran.states[&key.replacen("new_", "f.", 1)]),
            _ => None,
        };
        if let Some(got) = got {
            assert_close(&format!("{case}/{key}"), got, &want.values, tolerance);
        }
    }
}

#[test]
fn layers_and_their_gradients_are_pytorchs_in_f32() {
    check::<f32>(1e-5);
}

#[test]
fn layers_and_their_gradients_are_pytorchs_in_f64() {
    check::<f64>(2e-7);
}

#[test]
fn a_dropped_element_is_zero_and_passes_no_gradient() {
    let mut graph = Graph::default();
    let ones = crate::fixtures::Tensor { shape: vec![50, 40], values: vec![1.0; 2000] };
    let x = batch_input(&mut graph, "x", &ones);
    let out = apply(&mut graph, "f", Mode::Train, "dropout", &[("p", Arg::Number(0.25))], x).unwrap().value;
    let ran = run::<f32>(EngineKind::Planned, graph, out, Some(&ones), &["x"], &[("x", &ones)], &|_, _| None);
    assert_eq!(ran.out, ran.grads["x"]);
    let kept = ran.out.iter().filter(|&&y| (y - 4.0 / 3.0).abs() < 1e-6).count();
    assert_eq!(kept + ran.out.iter().filter(|&&y| y == 0.0).count(), 2000);
    assert!((1420..1580).contains(&kept), "{kept}");
}

#[test]
fn flattened_images_are_laid_out_channel_by_channel() {
    let mut graph = Graph::default();
    let image = crate::fixtures::Tensor { shape: vec![1, 1, 2, 3], values: vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0] };
    let x = batch_input(&mut graph, "x", &image);
    let out = apply(&mut graph, "f", Mode::Train, "flatten", &[], x).unwrap().value;
    assert_eq!(
        run::<f32>(EngineKind::Planned, graph, out, None, &[], &[("x", &image)], &|_, _| None).out,
        [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    );
}

#[test]
fn a_perceptron_ends_standardised_when_told() {
    let mut graph = Graph::default();
    let values = (0..64).map(|i| (i as f32 * 0.7).sin()).collect();
    let rows = crate::fixtures::Tensor { shape: vec![16, 4], values };
    let x = batch_input(&mut graph, "x", &rows);
    let args = [("widths", Arg::List(vec![number(8), number(3)])), ("last", Arg::Text("batchnorm".into()))];
    let out = apply(&mut graph, "f", Mode::Train, "mlp", &args, x).unwrap().value;
    let ran = run::<f32>(EngineKind::Planned, graph, out, None, &[], &[("x", &rows)], &|_, _| None);
    for channel in 0..3 {
        let column: Vec<f32> = ran.out.iter().skip(channel).step_by(3).copied().collect();
        let mean = column.iter().sum::<f32>() / 16.0;
        let var = column.iter().map(|y| (y - mean).powi(2)).sum::<f32>() / 16.0;
        assert!(mean.abs() < 1e-5 && (var - 1.0).abs() < 1e-2, "{mean} {var}");
    }
}
