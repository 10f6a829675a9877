//! `batch.COLUMN`: known to the checker, read by the loader, the same after a pause.

use std::path::Path;

use crate::cli::{place_of, unwrapped};
use crate::train::recipe;
use sslrun::check::{self, Options};
use sslrun::data::{Access, Split, open, parse_spec};
use sslrun::graph::{DType, InputKind};
use sslrun::source::{Source, Sources};
use sslrun::train::loader;

const WORDS: &str = "views { a: crop(0.8..1) }
branch f { encoder: small_convnet(width: 4); projector: linear(8) }
branch t { words: embedding(8, padding: 0); projector: linear(8) on mean_of_tokens(words, words.there) }
loss { pairs: pair_nce(f(a), t(batch.caption), 10) }
train { epochs: 2; batch: 16; optimizer: adamw(lr: 1e-3) }
evaluate { probes: [retrieval(f, t, caption)] }
";

fn complaints(text: &str) -> String {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, text));
    let found = check::check(&mut sources, id, &Options::default()).diagnostics;
    let line = |d: &sslrun::diag::Diagnostic| {
        format!("{}: {} ({})", d.code.name, d.message, d.help.clone().unwrap_or_default())
    };
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_checker_knows_type_and_shape_without_any_file() {
    for (text, shape) in [(WORDS.to_owned(), "[N, 80]"), (format!("data shapes(length: 12)\n{WORDS}"), "[N, 12]")] {
        let recipe = recipe(&text);
        let (place, input) = recipe.graph.columns().next().expect("a column");
        assert_eq!((place, input.name.as_str(), input.ty.dtype), (0, "batch.caption", DType::Int));
        assert_eq!(input.ty.shape.to_string(), shape);
        assert_eq!(input.kind, InputKind::Column { place: 0, below: Some(256) });
        let table = recipe.graph.params.iter().find(|p| p.name == "t.words.weight").expect("a table");
        assert_eq!(table.shape, [256, 8]);
    }
}

#[test]
fn a_column_that_is_not_there_is_an_error_that_lists_those_that_are() {
    let said = complaints(&WORDS.replace("batch.caption", "batch.captoin"));
    assert!(said.starts_with("unknown-field: the data set has no column `captoin`"), "{said}");
    assert!(said.contains("`batch.label`, `batch.index`; `batch.caption`, text [N, 80]"), "{said}");
    let said = complaints(&format!("data table(\"none.csv\")\n{WORDS}"));
    assert!(said.contains("the data set is not there, or cannot be read"), "{said}");
    let said = complaints(&WORDS.replace("embedding(8,", "embedding(8, vocabulary: 100,"));
    assert!(said.contains("an embedding of 100 numbers is applied to such as reach 255"), "{said}");
    let said = complaints(&WORDS.replace("f(a), t(batch.caption)", "f(a), t(f(a))"));
    assert!(said.contains("embedding needs whole numbers [N] or [N, T], this is real, [N, 8]"), "{said}");
    let said = complaints(&WORDS.replace("evaluate {", "evaluate { on: t;"));
    assert!(said.contains("embedding needs whole numbers"), "{said}");
}

#[test]
fn rows_of_a_column_are_those_of_the_samples() {
    let recipe = recipe(WORDS);
    let config = parse_spec("shapes:train=40,size=16").expect("a data set");
    let data = std::sync::Arc::from(open(&config, Split::Train, &Access::default()).expect("a split"));
    let batches = loader(&recipe, &data, 8, 3).expect("a loader");
    let mut seen = 0;
    for batch in batches.steps(0..7) {
        let batch = batch.expect("a batch");
        let want: Vec<f32> = batch
            .index
            .iter()
            .flat_map(|&i| {
                let mut bytes: Vec<f32> = data.caption(i).expect("a caption").bytes().map(f32::from).collect();
                assert!(bytes.len() <= 80, "the longest caption fits");
                bytes.resize(80, 0.0);
                bytes
            })
            .collect();
        assert_eq!(batch.columns, [want]);
        seen += 1;
        batches.recycle(batch);
    }
    assert_eq!(seen, 7);
}

#[test]
fn every_caption_of_shapes_fits() {
    let config = parse_spec("shapes:train=3000,size=16").expect("a data set");
    let data = open(&config, Split::Train, &Access::default()).expect("a split");
    let longest = (0..data.len()).filter_map(|i| data.caption(i)).map(|c| c.len()).max();
    assert!(longest.is_some_and(|longest| (70..=75).contains(&longest)), "{longest:?}");
}

#[test]
fn a_run_with_a_column_goes_on_in_the_same_bits() {
    let place = place_of("column-resume", WORDS);
    let data = "shapes:train=64,test=30,size=16";
    place.expect(0, &[&place.recipe, "--data", data, "-o", "whole"]);
    place.expect(0, &[&place.recipe, "--data", data, "-o", "half", "--set", "train.epochs=1"]);
    place.expect(0, &["--resume", "half", "--set", "train.epochs=2"]);
    let bytes = |run: &str| {
        let path = place.folder.join(run).join("checkpoints/encoder.safetensors");
        std::fs::read(path).expect("an encoder")
    };
    assert_eq!(bytes("whole"), bytes("half"));
    // A run is judged again by what its checkpoint has of both towers.
    let (table, _) = place.expect(0, &["eval", "whole"]);
    assert!(table.contains("picture R@5"), "{table}");
    place.expect(0, &["graph", &place.recipe, "--data", data]);
}

#[test]
fn columns_reach_passes_over_the_whole_data_set_and_states() {
    let text = WORDS.replace(
        "loss {",
        "state all = refresh(of: over_data(t(batch.caption)), every: 1)
state bank = queue(of: stopgrad(t(batch.caption)), size: 32)
loss { far: mean(f(a) @ all.T) + mean(f(a) @ bank.T)\n ",
    );
    let place = place_of("column-pass", &text);
    for engine in ["planned", "candle"] {
        let data = "shapes:train=40,test=20,size=16";
        place.expect(0, &[&place.recipe, "--data", data, "-o", engine, "--engine", engine]);
    }
    let last = |run: &str| {
        let lines = place.read(&format!("{run}/metrics.jsonl"));
        let line = lines.lines().rfind(|l| l.contains("\"loss\"")).expect("a step").to_owned();
        serde_json::from_str::<serde_json::Value>(&line).expect("a line")["loss"].as_f64().expect("a loss")
    };
    let (planned, candle) = (last("planned"), last("candle"));
    assert!((planned - candle).abs() < 1e-3 * candle.abs(), "{planned} {candle}");
}

#[test]
fn an_encoder_that_reads_a_column_is_not_judged() {
    let text =
        WORDS.replace("projector: linear(8) }\nbranch t", "projector: linear(8); mixed: add on projector }\nbranch t");
    let text = text.replace("mixed: add on projector", "mixed: linear(8) on with_words(projector)");
    let text = format!("let with_words(x) = x + t(batch.caption)\n{text}")
        .replace("f(a), t(batch", "f(a).mixed, t(batch")
        .replace("retrieval(f,", "retrieval(f.projector,");
    assert_eq!(complaints(&text), "");
    let said = complaints(&text.replace("evaluate {", "evaluate { on: f.mixed;"));
    assert!(said.contains("must be computed from the picture alone, but reads `batch.caption`"), "{said}");
}

#[test]
fn words_of_the_program_tell_of_columns() {
    let place = place_of("column-words", WORDS);
    let (out, err) = place.expect(0, &["check", &place.recipe]);
    assert!(!unwrapped(&format!("{out}{err}")).contains("warning"), "{out}{err}");
    assert!(Path::new(&place.recipe).exists());
}
