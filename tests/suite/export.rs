//! Encoders as folders for PyTorch. That the packages build them and find the same features is tried by
//! `tests/reference/export.py`, which needs these; here what is written is read back.

use crate::cli::place_of;
use crate::fixtures::{Fixture, assert_close};

const DATA: &str = "shapes:train=16,test=8,size=32";

fn recipe(encoder: &str, size: usize) -> String {
    format!(
        "recipe \"Tiny\"
         views {{ a, b: crop(0.5..1, size: {size}) }}
         branch f {{ encoder: {encoder}; head: linear(4) }}
         branch slow = ema(f, decay: 0.5)
         loss {{ l: mse(f(a), slow(b).head) + hinge_variance(f(b)) }}
         train {{ epochs: 1; batch: 8; optimizer: sgd(lr: 0.2) }}
         evaluate {{ every: 100; probes: [knn()] }}"
    )
}

/// Encoders of every kind that can be exported, and what builds them.
const ENCODERS: [(&str, &str); 7] = [
    ("resnet18(stem: small, width: 4)", "torchvision.models.resnet18(weights=None)"),
    ("resnet50(width: 4)", "torchvision.models.resnet50(weights=None)"),
    ("small_convnet(width: 4)", "nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1"),
    ("vit(dim: 16, depth: 2, heads: 2, patch: 8)", "timm.create_model("),
    ("vit(dim: 16, depth: 1, heads: 2, patch: 8, registers: 3, layer_scale: 0.1)", "reg_tokens=3"),
    ("vit(dim: 16, depth: 1, heads: 2, patch: 8, cls: false, qkv_bias: false)", "global_pool=\"avg\""),
    ("vit(dim: 16, depth: 1, heads: 2, patch: 8, positions: sincos2d)", "pos_embed=\"learn\""),
];

#[test]
fn an_exported_encoder_is_read_back_as_it_was() {
    for (i, (encoder, built)) in ENCODERS.iter().enumerate() {
        let place = place_of(&format!("export-{i}"), &recipe(encoder, 32));
        place.expect(0, &["tiny.ssl", "--data", DATA, "-o", "run"]);
        let (_, err) = place.expect(0, &["export", "run", "-o", "encoder"]);
        assert!(err.contains("python encoder/load.py"), "{err}");
        let script = place.read("encoder/load.py");
        assert!(script.contains(built), "`{built}` is not in {script}");
        assert!(!script.contains("BUILD") && !script.contains("IMPORTS"), "{script}");
        let config: serde_json::Value = serde_json::from_str(&place.read("encoder/config.json")).expect("JSON");
        assert_eq!(config["input_size"], serde_json::json!([3, 32, 32]));
        assert_eq!(config["recipe"].as_str(), Some(place.read("run/recipe.ssl").as_str()));
        assert!(place.read("run/run.ron").contains(config["recipe_hash"].as_str().expect("a hash")));
        assert_eq!((config["mean"].as_array().map(Vec::len), config["encoder"].as_str()), (Some(3), Some("f.encoder")));
        // A run that starts from it has its features, and normalises pictures alike.
        let start = ["tiny.ssl", "--data", DATA, "--start", "f.encoder=encoder/model.safetensors", "-o", "again"];
        let frozen = ["--set", "train.rules=[rule(f.encoder, frozen: 9)]"];
        let (_, err) = place.expect(0, &[&start[..], &frozen].concat());
        assert!(err.contains("as it says itself"), "{err}");
        let read = |file: &str| Fixture::read(&place.folder.join(file));
        let (first, again) =
            (read("run/checkpoints/encoder.safetensors"), read("again/checkpoints/encoder.safetensors"));
        for (name, tensor) in first.under("").filter(|(name, _)| !name.contains("running")) {
            assert_close(name, &again.get(name).values, &tensor.values, 1e-6);
        }
        // Nothing is written over.
        let (_, err) = place.expect(3, &["export", "run", "-o", "encoder"]);
        assert!(err.contains("nothing is written over"), "{err}");
    }
}

#[test]
fn another_branch_may_be_exported_and_what_has_no_peer_is_refused() {
    let place = place_of("export-branch", &recipe("resnet18(stem: small, width: 4)", 32));
    place.expect(0, &["tiny.ssl", "--data", DATA, "-o", "run"]);
    place.expect(0, &["export", "run", "-o", "slow", "--branch", "slow"]);
    place.expect(0, &["export", "run", "-o", "fast"]);
    let read = |file: &str| Fixture::read(&place.folder.join(file));
    let (slow, whole) = (read("slow/model.safetensors"), read("run/checkpoints/last.safetensors"));
    let conv = &slow.get("conv1.weight").values;
    assert_eq!(conv, &whole.get("slow.encoder.conv1.weight").values);
    assert_ne!(conv, &read("fast/model.safetensors").get("conv1.weight").values);
    assert_eq!(read("slow/check.safetensors").get("features").shape, [2, 32]);
    let (_, err) = place.expect(1, &["export", "run", "-o", "none", "--branch", "slaw"]);
    assert!(err.contains("no branch `slaw`"), "{err}");
    let relative =
        place_of("export-relative", &recipe("vit(dim: 16, depth: 1, heads: 2, patch: 8, positions: relative)", 32));
    relative.expect(0, &["tiny.ssl", "--data", DATA, "-o", "run"]);
    let (_, err) = relative.expect(3, &["export", "run", "-o", "encoder"]);
    assert!(err.contains("without relative positions"), "{err}");
    assert!(!relative.folder.join("encoder").exists());
}
