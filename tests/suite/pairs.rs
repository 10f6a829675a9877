//! Pictures and texts in one space: losses, recall, zero-shot accuracy and tokens beside other packages; towers that learn.

use crate::cli::{place_of, unwrapped};
use crate::fixtures::{Fixture, Tensor, assert_close};
use crate::operations::compute;
use crate::train::{folder, recipe_file, run};
use sslrun::data::{ColumnKind, Tokens};
use sslrun::driver::Request;
use sslrun::eval::{Features, recall, zero_shot};
use sslrun::exec::EngineKind;
use sslrun::report::Metric;

#[test]
fn losses_of_pairs_agree_with_open_clip() {
    let fixture = Fixture::load("pairs");
    for (name, formula) in
        [("clip", "pair_nce(x, y, exp(minimum(scale, log(100))))"), ("siglip", "pair_sigmoid(x, y, exp(scale), shift)")]
    {
        let tensor = |key: &str| fixture.find(&format!("{name}/{key}"));
        let inputs: Vec<(&str, &Tensor)> =
            ["x", "y", "scale", "shift"].into_iter().filter_map(|key| Some((key, tensor(key)?))).collect();
        for kind in [EngineKind::Planned, EngineKind::Candle] {
            let got = compute(kind, &format!("l: {formula}"), &inputs).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_close(name, &got.terms, &fixture.get(&format!("{name}/loss")).values, 1e-5);
            for (key, _) in &inputs {
                let want = &fixture.get(&format!("{name}/grad_{key}")).values;
                assert_close(&format!("{name} by {key}"), &got.grads[*key], want, 1e-4);
            }
        }
    }
}

#[test]
fn recall_agrees_with_a_plain_loop() {
    let fixture = Fixture::load("pairs");
    let values = |key: &str| &fixture.get(&format!("recall/{key}")).values;
    let texts_of: Vec<usize> = values("texts_of").iter().map(|&t| t as usize).collect();
    let found = recall(values("pictures"), values("texts"), &texts_of, 8);
    for (key, shares) in [("text", found.text), ("picture", found.picture)] {
        for (share, want) in shares.iter().zip(values(key)) {
            assert!((share - f64::from(*want)).abs() < 1e-6, "{key}: {shares:?}");
        }
    }
    // Pictures in the place of their texts are found at once, those in the place of the next one are not.
    let texts: Vec<f32> = (0..36).map(|i| if i / 6 == i % 6 { 1.0 } else { 0.0 }).collect();
    let own: Vec<usize> = (0..6).collect();
    assert_eq!(recall(&texts, &texts, &own, 6).text, [1.0, 1.0]);
    let next: Vec<usize> = (1..7).map(|i| i % 6).collect();
    assert_eq!(recall(&texts, &texts, &next, 6).picture[0], 0.0);
}

#[test]
fn zero_shot_agrees_with_the_official_way() {
    let fixture = Fixture::load("pairs");
    let values = |key: &str| &fixture.get(&format!("zero_shot/{key}")).values;
    let labels: Vec<u32> = values("labels").iter().map(|&l| l as u32).collect();
    let got = zero_shot(Features::new(values("test"), &labels, 6), values("texts"), 3);
    assert!((got - f64::from(values("accuracy")[0])).abs() < 1e-6, "{got}");
}

#[test]
fn text_becomes_the_numbers_of_its_bytes_or_tokens() {
    let bytes = Tokens::of_bytes(6);
    assert_eq!(bytes.kind(), ColumnKind::Text { length: 6, vocabulary: 256 });
    assert_eq!(bytes.encode("a\u{e9}\0b").expect("bytes"), [97.0, 195.0, 169.0, 98.0, 0.0, 0.0]);
    assert_eq!(bytes.encode("abcdefgh").expect("bytes"), [97.0, 98.0, 99.0, 100.0, 101.0, 102.0]);
    let fixture = Fixture::load("pairs");
    let texts: Vec<String> = serde_json::from_str(&fixture.cases["tokens"]).expect("texts");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/fixtures/tables/tokenizer.json");
    let tokens = Tokens::new(7, file).expect("a tokenizer");
    assert_eq!(tokens.kind(), ColumnKind::Text { length: 7, vocabulary: 15 });
    for (i, text) in texts.iter().enumerate() {
        // Theirs begin at 0, which is nothing here.
        let mut want: Vec<f32> = fixture.get(&format!("tokens/{i}")).values.iter().map(|id| id + 1.0).collect();
        want.resize(7, 0.0);
        assert_eq!(tokens.encode(text).expect("tokens"), want, "{text}");
    }
    let error = Tokens::new(2, file).err().expect("no room").to_string();
    assert!(error.contains("adds 2 tokens to each text"), "{error}");
    let error = Tokens::new(7, concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).err().expect("no tokenizer");
    assert!(error.to_string().contains("is no tokenizer"), "{error}");
}

/// A tower of pictures beside a bag of tokens.
const BAG: &str = r#"recipe "Bag"

let average(x) = mean(x, dim: 1)

views { a: crop(0.8..1) }
branch f { encoder: small_convnet(width: 8); projector: linear(32) }
branch t { bag: embedding(32, padding: 0, std: 0.1) | average }
loss { pairs: pair_nce(f(a), t(batch.caption), 10) }
train { epochs: 15; batch: 32; optimizer: adamw(lr: cosine(1e-2 -> 0)) }
evaluate { every: 100; probes: [retrieval(f, t, caption), zero_shot(f.projector, t, batch.caption, templates: "{}s")] }
"#;

fn share(metrics: &[Metric], name: &str) -> f64 {
    metrics.iter().find(|m| m.name == name).unwrap_or_else(|| panic!("{name} is not in {metrics:?}")).value
}

#[test]
fn a_bag_of_tokens_learns_beside_a_tower_of_pictures() {
    let folder = folder("bag");
    let request = Request {
        recipe: Some(recipe_file(&folder, BAG)),
        data: Some("shapes:train=1024,test=120,size=24".to_owned()),
        out: Some(folder.join("run")),
        ..Request::default()
    };
    let (losses, report) = run(&request, usize::MAX);
    let record = report.expect("a run").record;
    let mean = |some: &[f64]| some.iter().sum::<f64>() / some.len() as f64;
    let (first, last) = (mean(&losses[..8]), mean(&losses[losses.len() - 8..]));
    assert!(last < first - 0.4, "{first} {last}");
    let names: Vec<&str> = record.trained.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, ["text R@1", "text R@5", "picture R@1", "picture R@5", "zero-shot", "effective rank"]);
    for name in ["text R@5", "picture R@5"] {
        let (trained, untrained) = (share(&record.trained, name), share(&record.untrained, name));
        assert!(trained > 0.12 && trained > 2.0 * untrained, "{name}: {trained}, untrained {untrained}");
    }
    assert!(share(&record.trained, "zero-shot").is_finite());
    assert!(record.raw.iter().all(|m| m.name == "effective rank"), "{:?}", record.raw);
    let alone = folder.join("run/checkpoints/encoder.safetensors").display().to_string();
    let (_, error) = place_of("towers-alone", BAG).expect(2, &["eval", &alone]);
    assert!(unwrapped(&error).contains("alone, and some probes compare it with texts"), "{error}");
}

#[test]
fn probes_of_two_towers_say_what_they_cannot_compare() {
    let said = |old: &str, new: &str| {
        let place = place_of("towers", &BAG.replace(old, new));
        unwrapped(&place.expect(1, &["check", &place.recipe]).1)
    };
    let error = said("retrieval(f, t, caption)", "retrieval(f.encoder, t, caption)");
    assert!(error.contains("`f.encoder` is [N, 64] and `t` is [N, 32]: only vectors of one length"), "{error}");
    let error = said("retrieval(f, t, caption)", "retrieval(f, t, words)");
    assert!(error.contains("no column `words`") && error.contains("`batch.caption`, text [N, 80]"), "{error}");
    let error = said("retrieval(f, t, caption)", "retrieval(f, g, caption)");
    assert!(error.contains("there is no branch `g`"), "{error}");
    let error = said("\"{}s\"", "[\"a {}\", \"a ring\"]");
    assert!(error.contains("does not say where the name of a class goes"), "{error}");
}
