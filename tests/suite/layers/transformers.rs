//! Vision transformers against timm's and the official masked ones, given the same weights.

use super::run::{Ran, batch_input, run};
use super::{apply_masked, number, text};
use crate::fixtures::{Fixture, Tensor, assert_close, filled};
use serde_json::Value;
use sslrun::catalog::Arg;
use sslrun::exec::{EngineKind, Real};
use sslrun::graph::{Dim, Graph, NodeId, ShapeError};
use sslrun::nn::{MaskInput, Mode, Output, Uncounted};

/// The arguments in a fixture's metadata.
fn arguments(config: &Value) -> Vec<(&str, Arg)> {
    let given = config.as_object().unwrap().iter().filter(|(name, _)| *name != "word");
    given
        .map(|(name, value)| match value {
            Value::Bool(b) => (name.as_str(), Arg::Bool(*b)),
            Value::String(word) => (name.as_str(), text(word)),
            number => (name.as_str(), Arg::Number(number.as_f64().unwrap())),
        })
        .collect()
}

/// The mask of a case, as inputs of the graph.
fn mask(graph: &mut Graph, fixture: &Fixture, case: &str) -> Option<MaskInput> {
    let mut node = |key: &str| Some(batch_input(graph, key, fixture.find(&format!("{case}/{key}"))?));
    let (hides, visible, hidden) = (node("hides")?, node("visible"), node("hidden"));
    let targets = (0..2).filter_map(|i| node(&format!("target{i}"))).collect();
    let [visible, hidden] = [visible, hidden].map(|part| part.ok_or(Uncounted::Varies));
    Some(MaskInput { grid: (4, 4), hides, visible, hidden, targets })
}

/// The same tokens, as an encoder gives them that has dropped the hidden patches.
fn dropped(graph: &mut Graph, x: NodeId, visible: NodeId) -> Result<NodeId, ShapeError> {
    let [all, seen] = [x, visible].map(|id| graph.shape(id).0[1].clone());
    let before = &all - &seen;
    let first = graph.slice(x, 1, &Dim::default(), &before)?;
    let patches = graph.slice(x, 1, &before, &seen)?;
    let spread = graph.place(patches, visible, &Dim::from(16usize))?;
    let left = graph.take(spread, visible)?;
    graph.concat(&[first, left], 1)
}

/// What a case computes: the result, or one of its taps.
fn build(graph: &mut Graph, fixture: &Fixture, case: &str) -> Output {
    let config: Value = serde_json::from_str(&fixture.cases[case]).unwrap();
    let x = batch_input(graph, "x", fixture.get(&format!("{case}/x")));
    let mask = mask(graph, fixture, case);
    let word = config["word"].as_str().unwrap();
    let x = if word == "vit" { x } else { dropped(graph, x, mask.as_ref().unwrap().visible.unwrap()).unwrap() };
    apply_masked(graph, "", Mode::Train, word, &arguments(&config), x, mask.as_ref())
        .unwrap_or_else(|e| panic!("{case}: {e}"))
}

fn compute<T: Real>(fixture: &Fixture, case: &str, kind: EngineKind, tap: Option<&str>) -> Ran {
    let mut graph = Graph::default();
    let output = build(&mut graph, fixture, case);
    let of_tap = |name: &str| output.taps.iter().find(|(tap, _)| tap == name).unwrap().1;
    let out: NodeId = tap.map_or(output.value, of_tap);
    let inputs = ["x", "hides", "visible", "hidden", "target0", "target1"];
    let inputs: Vec<(&str, &Tensor)> =
        inputs.into_iter().filter_map(|key| Some((key, fixture.find(&format!("{case}/{key}"))?))).collect();
    let cotangent = tap.is_none().then(|| fixture.get(&format!("{case}/cot")));
    run::<T>(kind, graph, out, cotangent, &[], &inputs, &|name, shape| Some(filled(name, shape)))
}

fn check<T: Real>(file: &str, case: &str, kind: EngineKind, tolerance: f64) {
    let fixture = Fixture::load(file);
    let ran = compute::<T>(&fixture, case, kind, None);
    assert_close(case, &ran.out, &fixture.get(&format!("{case}/out")).values, tolerance);
    let mut count = 0;
    for (name, want) in fixture.under(&format!("{case}/grad.")) {
        let got = ran.grads.get(name).unwrap_or_else(|| panic!("{case}: no gradient of {name}"));
        assert_close(&format!("{case} by {name}"), got, &want.values, tolerance);
        count += 1;
    }
    assert!(count >= 15, "{case} has {count} gradients");
    if let Some(tokens) = fixture.find(&format!("{case}/tokens")) {
        let ran = compute::<T>(&fixture, case, kind, Some("tokens"));
        assert_close(&format!("{case}/tokens"), &ran.out, &tokens.values, tolerance);
    }
}

/// In f64 with both engines, and in f32 with our own.
fn check_all(file: &str, case: &str) {
    check::<f64>(file, case, EngineKind::Planned, 1e-6);
    check::<f64>(file, case, EngineKind::Candle, 1e-6);
    check::<f32>(file, case, EngineKind::Planned, 2e-5);
}

#[test]
fn vision_transformers_are_timms() {
    for case in ["vit", "vit_layer_scale", "vit_registers"] {
        check_all("transformers", case);
    }
}

#[test]
fn positions_of_other_sizes_are_interpolated_as_in_timm() {
    for case in ["vit_smaller_crop", "vit_larger_crop"] {
        check_all("transformers", case);
    }
}

#[test]
fn relative_positions_are_beits() {
    for case in ["vit_relative", "vit_relative_each"] {
        check_all("transformers", case);
    }
}

#[test]
fn masked_patches_are_replaced_or_dropped() {
    for case in ["vit_replace", "vit_drop"] {
        check_all("masked", case);
    }
}

#[test]
fn decoders_and_predictors_are_the_official_ones() {
    for case in ["vit_decoder", "vit_predictor"] {
        check_all("masked", case);
    }
}

#[test]
fn tables_are_those_of_pytorch_and_the_papers() {
    let fixture = Fixture::load("transformers");
    let mut g = Graph::default();
    let value = |g: Graph, node| run::<f64>(EngineKind::Planned, g, node, None, &[], &[], &|_, _| None).out;
    let sincos = g.sincos([3, 3], [3, 3], 8).unwrap();
    assert_close("sincos", &value(g.clone(), sincos), &fixture.get("sincos/out").values, 1e-6);
    let [down, across] = [(5, 3), (7, 9)].map(|(from, to)| g.resampling(from, to).unwrap());
    let both = [down, across].map(|table| value(g.clone(), table));
    let want = &fixture.get("resampling/out").values;
    let got: Vec<f32> = (0..27 * 35)
        .map(|at| {
            let ([r, c], [i, j]) = ([at / 35 / 9, at / 35 % 9], [at % 35 / 7, at % 7]);
            both[0][r * 5 + i] * both[1][c * 7 + j]
        })
        .collect();
    assert_close("resampling", &got, want, 1e-6);
}

/// The smallest network there is, on images of `side`.
fn tiny(graph: &mut Graph, mode: Mode, given: &[(&str, Arg)], side: usize) -> Output {
    let args: Vec<(&str, Arg)> = [("dim", number(8)), ("depth", number(3)), ("heads", number(2)), ("patch", number(4))]
        .into_iter()
        .chain(given.iter().cloned())
        .collect();
    let x = super::input(graph, &format!("x{side}"), &[side, side, 3]);
    apply_masked(graph, "f", mode, "vit", &args, x, None).unwrap()
}

#[test]
fn results_and_taps_have_their_shapes() {
    let mut graph = Graph::default();
    let output = tiny(&mut graph, Mode::Train, &[("registers", number(2))], 16);
    let shape = |node| graph.shape(node).to_string();
    assert_eq!(shape(output.value), "[N, 8]");
    let taps: Vec<String> = output.taps.iter().map(|(name, node)| format!("{name} {}", shape(*node))).collect();
    let blocks = (0..3).map(|i| format!("blocks.{i} [N, 16, 8]"));
    let first = ["cls [N, 8]", "patches [N, 16, 8]", "tokens [N, 19, 8]"].map(str::to_owned);
    assert_eq!(taps, first.into_iter().chain(blocks).collect::<Vec<_>>());
}

#[test]
fn crops_of_other_sizes_share_all_weights() {
    let mut graph = Graph::default();
    let size = [("size", number(16))];
    tiny(&mut graph, Mode::Train, &size, 8);
    let names: Vec<String> = graph.params.iter().map(|p| p.name.clone()).collect();
    let other = tiny(&mut graph, Mode::Train, &size, 16);
    assert_eq!(names, graph.params.iter().map(|p| p.name.clone()).collect::<Vec<_>>());
    let found = graph.find_parameter("f.pos_embed").unwrap();
    assert_eq!(graph.params[found.index()].shape, [1, 17, 8]);
    assert!(graph.nodes().any(|(_, n)| n.kind.to_string() == "resampling"));
    assert_eq!(graph.shape(other.value).0[1], Dim::from(8i64));
}

#[test]
fn blocks_are_left_out_only_while_training_and_more_often_with_depth() {
    let drops = |mode| {
        let mut graph = Graph::default();
        tiny(&mut graph, mode, &[("drop_path", Arg::Number(0.2))], 16);
        let masks = graph.nodes().filter(|(_, n)| n.kind.to_string() == "dropout_mask");
        masks.map(|(_, n)| (n.attrs().get_float("p"), n.ty.shape.to_string())).collect::<Vec<_>>()
    };
    assert!(drops(Mode::Eval).is_empty());
    let (half, full) = ((0.1, "[N, 1, 1]".to_owned()), (0.2, "[N, 1, 1]".to_owned()));
    assert_eq!(drops(Mode::Train), [half.clone(), half, full.clone(), full]);
}
