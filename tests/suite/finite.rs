//! Steps that compute something that is not finite: stopped before their update, and explained.

use std::path::Path;

use crate::cli::{Place, place_of};
use safetensors::SafeTensors;

/// A recipe whose term `s` is not finite in the second half of the training.
fn recipe(more: &str) -> String {
    format!(
        "views {{ a, b: crop(0.5..1) }}
branch f {{ encoder: small_convnet(width: 4); projector: linear(8) }}
let t = linear(1 -> -1)
loss {{ l: nt_xent(f(a), f(b)); s: 1e-3 * mean(f(a)) * log(relu(t)) }}
train {{ epochs: 2; batch: 16; optimizer: sgd(lr: 0.05); {more} }}
evaluate {{ every: 100; probes: [knn(k: 1)] }}"
    )
}

const DATA: &str = "shapes:train=64,test=16,size=16";

/// Whether every number of a checkpoint is finite.
fn finite(path: &Path) -> bool {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
    tensors
        .tensors()
        .iter()
        .all(|(_, t)| t.data().chunks_exact(4).all(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).is_finite()))
}

/// A gradient that is NaN at step 1: the root of what is hidden by `where`.
const ROOT: &str = "views { a, b: crop(0.5..1) }
branch f { encoder: small_convnet(width: 4); projector: linear(8) }
let z = f(a)
loss { l: nt_xent(f(a), f(b)); s: 1e-3 * mean(where(z > 0, sqrt(z), 0)) }
train { epochs: 2; batch: 16; optimizer: sgd(lr: 0.05) }
evaluate { every: 100; probes: [knn(k: 1)] }";

#[test]
fn a_gradient_that_is_no_number_stops_the_step_before_its_update() {
    let place = place_of("gradient", ROOT);
    // In the first step, and in the last, as the only one there is.
    for (out, epochs) in [("many", "2"), ("one", "0.25")] {
        let epochs = format!("train.epochs={epochs}");
        let (_, err) = place.expect(3, &[&place.recipe, "--data", DATA, "-o", out, "--set", &epochs]);
        assert!(err.contains("the gradient of loss term `s` is not finite"), "{err}");
        assert!(err.contains("at step 1") && err.contains("comes from the operation `sqrt`"), "{err}");
        // At the first step, nothing that was learnt can be at fault.
        assert!(!err.contains("a smaller learning rate"), "{err}");
        assert!(place.read(&format!("{out}/run.ron")).contains("Diverged"));
        let last = place.folder.join(out).join("checkpoints/last.safetensors");
        assert!(finite(&last));
        assert!(!last.with_file_name("encoder.safetensors").exists());
    }
}

#[test]
fn both_engines_stop_at_what_is_not_finite() {
    let place = place_of("gradient-candle", ROOT);
    let (_, err) = place.expect(3, &[&place.recipe, "--data", DATA, "-o", "x", "--engine", "candle"]);
    assert!(err.contains("loss term `s`") && err.contains("at step 1"), "{err}");
}

#[test]
fn the_term_that_is_at_fault_is_named_and_not_the_first() {
    let text = ROOT.replace("where(z > 0, sqrt(z), 0)", "log(z - 1000)");
    let place = place_of("term", &text);
    let (_, err) = place.expect(3, &[&place.recipe, "--data", DATA, "-o", "x"]);
    assert!(err.contains("loss term `s` is not finite: NaN at step 1"), "{err}");
    assert!(err.contains("comes from the operation `log`"), "{err}");
}

#[test]
fn what_a_state_becomes_is_looked_at_too() {
    let text = ROOT
        .replace("let z = f(a)", "let z = f(a)\nstate s = ema(of: stopgrad(mean(z, dim: 0)) / 0.0001 ^ 20, decay: 0.5)")
        .replace("s: 1e-3 * mean(where(z > 0, sqrt(z), 0))", "s: 0 * mean(z) + 0 * mean(relu(-1 - s))");
    let place = place_of("state", &text);
    let output = place.run(&[&place.recipe, "--data", DATA, "-o", "x"]);
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(err.contains("what the state `s` becomes is not finite at step 1"), "{err}");
    assert!(finite(&place.folder.join("x/checkpoints/last.safetensors")));
}

#[test]
fn an_update_that_overflows_is_told_as_that() {
    let text = ROOT
        .replace("nt_xent(f(a), f(b)); s: 1e-3 * mean(where(z > 0, sqrt(z), 0))", "1e6 * nt_xent(z, f(b))")
        .replace("sgd(lr: 0.05)", "sgd(lr: 1e38)");
    let place = place_of("update", &text);
    let (_, err) = place.expect(3, &[&place.recipe, "--data", DATA, "-o", "x"]);
    assert!(err.contains("is not finite after the update of step 1"), "{err}");
    assert!(err.contains("a smaller learning rate"), "{err}");
    // The checkpoint of the beginning is what is left, and it can be gone on from.
    assert!(finite(&place.folder.join("x/checkpoints/last.safetensors")));
    place.expect(3, &["--resume", "x"]);
    let (_, err) = place.expect(0, &["--from", "x", "--set", "train.optimizer.lr=0.05", "-o", "y"]);
    assert!(err.contains("everything is in y"), "{err}");
}

fn lines(place: &Place, run: &str) -> Vec<serde_json::Value> {
    let text = place.read(&format!("{run}/metrics.jsonl"));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn steps_that_are_not_finite_are_left_out_where_the_recipe_says_so() {
    let place = place_of("skip", &recipe("not_finite: skip"));
    let (_, err) = place.expect(0, &[&place.recipe, "--data", DATA, "-o", "x"]);
    assert!(err.contains("its update is left out"), "{err}");
    assert!(err.contains("4 of 8 steps were left out: they were not finite"), "{err}");
    assert_eq!(err.matches("its update is left out").count(), 1, "told once: {err}");
    assert!(finite(&place.folder.join("x/checkpoints/encoder.safetensors")));
    assert!(lines(&place, "x").last().is_some_and(|line| line["skipped"] == true), "{:?}", lines(&place, "x"));
    // What is left out is no training: the weights are those of a run that ends before.
    let (_, _) = place.expect(0, &[&place.recipe, "--data", DATA, "-o", "y", "--set", "train.epochs=0.75"]);
    let place = place_of("skip-not", &recipe("not_finite: stop"));
    let (_, err) = place.expect(3, &[&place.recipe, "--data", DATA, "-o", "x"]);
    assert!(err.contains("at step 5"), "{err}");
    let (_, err) = place.expect(1, &["check", &place_of("skip-bad", &recipe("not_finite: ignore")).recipe]);
    assert!(err.contains("`stop`") && err.contains("`skip`"), "{err}");
}

#[test]
fn a_training_that_only_leaves_out_ends() {
    let text = ROOT.replace("sgd(lr: 0.05)", "sgd(lr: 0.05); not_finite: skip").replace("epochs: 2", "epochs: 60");
    let place = place_of("skip-all", &text);
    let (_, err) = place.expect(3, &[&place.recipe, "--data", DATA, "-o", "x"]);
    assert!(err.contains("at step 100"), "{err}");
}

#[test]
fn a_loss_of_given_tensors_that_is_no_number_is_a_failure() {
    let place = place_of("pure", "input x: [N]\nloss { fine: mean(x); l: mean(log(x)) }");
    let numbers: Vec<u8> = [1.0f32, -1.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let tensor = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2], &numbers).expect("a tensor");
    let bytes = safetensors::serialize([("x", tensor)], None).expect("a file");
    std::fs::write(place.folder.join("x.safetensors"), bytes).expect("a file");
    let (out, err) = place.expect(3, &["loss", &place.recipe, "--inputs", "x.safetensors", "-o", "l.safetensors"]);
    assert!(out.contains("loss.fine  0") && out.contains("NaN"), "{out}");
    assert!(err.contains("loss term `l` is not finite: NaN") && err.contains("operation `log`"), "{err}");
    assert!(place.folder.join("l.safetensors").is_file());
}
