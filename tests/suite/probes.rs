//! The linear probe's chosen penalty and few-shot probes against scikit-learn (`tests/reference/probes.py`).

use crate::cli::place_of;
use crate::fixtures::Fixture;
use crate::train::verdict;
use sslrun::eval::{Features, FewShot, LinearClassifier, LinearProbe, few_shot, few_shot_rows, held_out, linear_probe};
use sslrun::train::Control;

const DIM: usize = 48;
const CANDIDATES: [f64; 6] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0];

fn rows(fixture: &Fixture, name: &str) -> (Vec<f32>, Vec<u32>) {
    let labels = fixture.get(&format!("{name}.labels")).values.iter().map(|&l| l as u32).collect();
    (fixture.get(name).values.clone(), labels)
}

#[test]
fn the_penalty_that_is_best_on_rows_held_out_is_the_one_that_scikit_learn_finds() {
    let fixture = Fixture::load("probes");
    let ((train, labels), (test, _)) = (rows(&fixture, "train"), rows(&fixture, "test"));
    let out: Vec<f32> = held_out(&labels).iter().enumerate().filter(|(_, out)| **out).map(|(i, _)| i as f32).collect();
    assert_eq!(out, fixture.get("chosen.held_out").values);
    let features = Features::new(&train, &labels, DIM);
    let (classifier, l2) = LinearClassifier::fit_choosing(features, LinearProbe::default(), &CANDIDATES);
    assert_eq!(l2 as f32, fixture.get("chosen.l2").values[0]);
    let want: Vec<u32> = fixture.get("chosen.predictions").values.iter().map(|&p| p as u32).collect();
    assert_eq!(classifier.predict(&test), want);
    // The one that is chosen is then learnt by all rows.
    assert_eq!(classifier, LinearClassifier::fit(features, LinearProbe { l2, ..LinearProbe::default() }));
}

#[test]
fn few_shot_probes_agree_with_scikit_learn_on_the_same_rows() {
    let fixture = Fixture::load("probes");
    let ((train, labels), (test, test_labels)) = (rows(&fixture, "train"), rows(&fixture, "test"));
    for share in [0.01, 0.1] {
        for seed in 0..5 {
            let told: Vec<f32> = few_shot_rows(&labels, share, seed).iter().map(|&r| r as f32).collect();
            assert_eq!(told, fixture.get(&format!("few.{share}.{seed}.rows")).values, "{share} {seed}");
        }
        let linear = LinearProbe { l2: 0.1, ..LinearProbe::default() };
        let settings = FewShot { share, seeds: 5, linear, candidates: Vec::new() };
        let (train, test) = (Features::new(&train, &labels, DIM), Features::new(&test, &test_labels, DIM));
        let (mean, deviation) = few_shot(train, test, &settings);
        let want = |name: &str| f64::from(fixture.get(&format!("few.{share}.{name}")).values[0]);
        assert!((mean - want("mean")).abs() < 1e-6, "{share}: {mean} instead of {}", want("mean"));
        assert!((deviation - want("deviation")).abs() < 1e-6, "{share}: {deviation}");
        // All labels told: the linear probe itself.
        let all = FewShot { share: 1.0, seeds: 1, ..settings };
        let (mean, deviation) = few_shot(train, test, &all);
        assert!(mean == linear_probe(train, test, linear) && deviation.is_nan());
    }
}

#[test]
fn every_class_is_told_and_none_is_held_out_whole() {
    let labels: Vec<u32> = [3; 40].into_iter().chain([1]).chain([5; 3]).chain([0; 14]).collect();
    for seed in 0..20 {
        let told = few_shot_rows(&labels, 0.1, seed);
        let count = |class: u32| told.iter().filter(|&&r| labels[r] == class).count();
        assert_eq!([count(3), count(1), count(5), count(0)], [4, 1, 1, 1]);
        assert!(told.is_sorted());
    }
    assert_ne!(few_shot_rows(&labels, 0.1, 0), few_shot_rows(&labels, 0.1, 1));
    let out = held_out(&labels);
    let count = |class: u32| labels.iter().zip(&out).filter(|(l, out)| **l == class && **out).count();
    assert_eq!([count(3), count(1), count(5), count(0)], [8, 0, 1, 2]);
    // Nothing can be held out: the largest penalty, which trusts few samples least.
    let values = [0.0, 1.0, 2.0, 0.5];
    let alone = Features::new(&values, &[0, 1], 2);
    assert_eq!(LinearClassifier::fit_choosing(alone, LinearProbe::default(), &[1e-3, 0.5]).1, 0.5);
}

#[test]
fn a_recipe_chooses_and_tells_few() {
    let text = |probes: &str| {
        format!(
            "views {{ a: crop(0.5..1) }}
            branch f {{ encoder: flatten() ; head: linear(4) }}
            loss {{ spread: hinge_variance(f(a)) }}
            train {{ batch: 16 }}
            evaluate {{ on: f.encoder; probes: [{probes}] }}"
        )
    };
    let judge = |probes: &str| {
        let verdict = verdict(&text(probes), "shapes:train=300,test=10,size=16", &Control::default());
        verdict.expect("a verdict").trained
    };
    let measures =
        judge("few_shot(share: 0.1, seeds: 3), linear(l2: 1e-4..1), few_shot(share: 1, seeds: 1), linear(l2: [1e-2])");
    let names: Vec<&str> = measures.0.iter().map(|(name, _)| name.as_str()).collect();
    let want = [
        "few_shot 10%",
        "few_shot 10% deviation",
        "linear 2",
        "l2 of linear 2",
        "few_shot 100%",
        "linear 4",
        "l2 of linear 4",
        "effective_rank",
    ];
    assert_eq!(names, want);
    assert_eq!(measures.get("l2 of linear 4"), Some(1e-2));
    let chosen = measures.get("l2 of linear 2").expect("a penalty");
    assert!([1e-4, 1e-3, 1e-2, 1e-1, 1.0].iter().any(|l2| (l2 / chosen - 1.0).abs() < 1e-12), "{chosen}");
    let plain = judge("linear(), linear(l2: 1e-3)");
    assert_eq!(plain.get("linear 1"), plain.get("linear 2"));
    assert_eq!(plain.get("linear 1"), measures.get("few_shot 100%"));
    assert!(measures.get("few_shot 10%") < plain.get("linear 1"), "{measures:?}");
}

#[test]
fn a_mean_is_shown_with_its_deviation() {
    let text = "views { a: crop(0.5..1) }
branch f { encoder: small_convnet(width: 4); head: linear(4) }
loss { spread: hinge_variance(f(a)) }
train { batch: 16; epochs: 0.5 }
evaluate { probes: [few_shot(share: 0.1, seeds: 3)] }
";
    let place = place_of("few-shot", text);
    let (out, _) =
        place.expect(0, &[&place.recipe, "--data", "shapes:train=64,test=30,size=16", "--quiet", "-o", "run"]);
    let row = out.lines().find(|line| line.contains("encoder, trained")).expect("a row");
    assert!(out.contains("few-shot 10%") && !out.contains("deviation") && row.contains(" ± "), "{out}");
    let (json, _) = place.expect(0, &["runs", ".", "--format", "json"]);
    let runs: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let measure = |name: &str| runs[0]["measures"][name].as_f64().expect("a measure");
    let shown = format!("{:.1} ± {:.1} %", 100.0 * measure("few-shot 10%"), 100.0 * measure("few-shot 10% deviation"));
    assert!(row.contains(&shown), "{shown} in {row}");
}
