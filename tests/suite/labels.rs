//! Labels: each is a class, or there is none, from the file to the table.

use crate::cifar10;
use crate::cli::place_of;
use safetensors::tensor::{Dtype, TensorView};
use sslrun::check::{self, Options};
use sslrun::source::{Source, Sources};

const SUPERVISED: &str = "views { a: crop(0.5..1) }
branch f { encoder: small_convnet(width: 4); classifier: linear(10) }
loss { classes: mean(cross_entropy(batch.label, f(a))) }
train { epochs: 1; batch: 16; optimizer: adamw(lr: 1e-3) }
evaluate { probes: [knn(k: 1)] }";

fn complaints(text: &str) -> Vec<String> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, text));
    let outcome = check::check(&mut sources, id, &Options::default());
    outcome.diagnostics.iter().map(|d| format!("{}: {}", d.code.name, d.message)).collect()
}

#[test]
fn a_head_has_room_for_every_class_of_the_data() {
    assert_eq!(complaints(SUPERVISED), Vec::<String>::new());
    assert_eq!(complaints(&SUPERVISED.replace("linear(10)", "linear(12)")), Vec::<String>::new());
    let five = ["shape-mismatch: the data set has 10 classes, but this has outputs for 5 only"];
    assert_eq!(complaints(&SUPERVISED.replace("linear(10)", "linear(5)")), five);
    // Whatever the label goes through on its way.
    let hot = SUPERVISED.replace("cross_entropy(batch.label,", "cross_entropy(one_hot(batch.label, 5),");
    assert_eq!(complaints(&hot.replace("linear(10)", "linear(5)")), five);
    let own = SUPERVISED.replace("views {", "data shapes(classes: 4)\nviews {").replace("linear(10)", "linear(4)");
    assert_eq!(complaints(&own), Vec::<String>::new());
}

/// A safetensors file of scores `[N, 6]` and labels `[N]`.
fn given(labels: &[f32]) -> Vec<u8> {
    let scores: Vec<u8> = (0..labels.len() * 6).flat_map(|i| ((i * 7 % 11) as f32 * 0.3 - 1.0).to_le_bytes()).collect();
    let numbers: Vec<u8> = labels.iter().flat_map(|l| l.to_le_bytes()).collect();
    let a = TensorView::new(Dtype::F32, vec![labels.len(), 6], &scores).expect("a tensor");
    let y = TensorView::new(Dtype::F32, vec![labels.len()], &numbers).expect("a tensor");
    safetensors::serialize([("a", a), ("y", y)], None).expect("a file")
}

#[test]
fn a_label_that_is_no_class_is_an_error_with_row_and_value() {
    for use_of_it in ["cross_entropy(y, a)", "one_hot(y, 6) * a"] {
        let place = place_of("labels", &format!("input a: [N, 6]\ninput y: [N]\nloss {{ l: mean({use_of_it}) }}"));
        let file = place.folder.join("x.safetensors");
        for engine in ["planned", "candle"] {
            let args = ["loss", &place.recipe, "--inputs", "x.safetensors", "--engine", engine];
            std::fs::write(&file, given(&[0.0, 5.0, 3.0])).expect("a file");
            place.expect(0, &args);
            for (label, shown) in [(6.0, "6"), (-1.0, "-1"), (0.4, "0.4"), (f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
                std::fs::write(&file, given(&[0.0, 2.0, label])).expect("a file");
                let (out, err) = place.expect(3, &args);
                let wanted = format!("the label of row 2 is {shown}, which is none of 6 classes, numbered from 0");
                assert!(err.contains(&wanted) && err.contains("tiny.ssl:3"), "{engine}: {err}");
                assert_eq!(out, "");
            }
        }
    }
}

#[test]
fn samples_without_a_label_are_neither_taught_nor_judged() {
    let data = cifar10::folder("unlabelled");
    let labels = |i: usize| (i % 4 != 3).then_some(i as i64 % 10);
    cifar10::write_labelled(&data.join("train.parquet"), 0..60, labels);
    cifar10::write_labelled(&data.join("test.parquet"), 100..120, labels);
    let place = place_of("unlabelled", SUPERVISED);
    let spec = format!("cifar10:{}", data.display());
    let (_, err) = place.expect(3, &[&place.recipe, "--data", &spec, "-o", "supervised"]);
    assert!(err.contains("row 3") || err.contains("has no label, but the recipe reads `batch.label`"), "{err}");
    let free = SUPERVISED.replace("mean(cross_entropy(batch.label, f(a)))", "mean(f(a) ^ 2)");
    let place = place_of("self-supervised", &free);
    let (out, _) = place.expect(0, &[&place.recipe, "--data", &spec, "-o", "x"]);
    assert!(out.contains("k-NN"), "{out}");
    let (_, err) = place.expect(0, &["embed", "x", "-o", "f.npy"]);
    assert!(err.contains("5 have no label (-1)"), "{err}");
    let bytes = std::fs::read(place.folder.join("f.labels.npy")).expect("labels");
    let last: Vec<i64> = bytes[bytes.len() - 20 * 8..]
        .chunks_exact(8)
        .map(|b| i64::from_le_bytes(b.try_into().expect("eight bytes")))
        .collect();
    assert_eq!(last[..5], [0, 1, 2, -1, 4]);
    // Where no sample has a label there is nothing to measure, and that is no failure.
    cifar10::write_labelled(&data.join("train.parquet"), 0..60, |_| None);
    cifar10::write_labelled(&data.join("test.parquet"), 100..120, |_| None);
    let (out, _) = place.expect(0, &[&place.recipe, "--data", &spec, "-o", "y"]);
    assert!(!out.contains("k-NN") && out.contains("effective rank"), "{out}");
}
