//! The linear probe against scikit-learn, and where there is nothing to compare with.

use super::{DIM, Rows, load, noise};

use crate::fixtures::{Fixture, assert_close};
use crate::train::verdict;
use sslrun::eval::{Features, LinearClassifier, LinearProbe, linear_probe};
use sslrun::train::Control;

/// Mean cross entropy plus half `l2` times the squared weights of whitened features, which are the variances of the logits.
fn objective(classifier: &LinearClassifier, features: Features<'_>, l2: f64) -> f64 {
    let classes = classifier.bias.len();
    let logits: Vec<Vec<f64>> = features
        .values
        .chunks_exact(features.dim)
        .map(|x| {
            let product = |c: usize| {
                let terms =
                    x.iter().enumerate().map(|(i, &x)| f64::from(x) * f64::from(classifier.weight[i * classes + c]));
                terms.sum::<f64>() + f64::from(classifier.bias[c])
            };
            (0..classes).map(product).collect()
        })
        .collect();
    let mean = |each: &dyn Fn(usize) -> f64| (0..logits.len()).map(each).sum::<f64>() / logits.len() as f64;
    let total = |r: usize| logits[r].iter().map(|l| l.exp()).sum::<f64>();
    let entropy = mean(&|r| total(r).ln() - logits[r][features.labels[r] as usize]);
    let variance = |c: usize| {
        let centre = mean(&|r| logits[r][c]);
        mean(&|r| (logits[r][c] - centre).powi(2))
    };
    let known = (0..classes).filter(|&c| classifier.bias[c].is_finite());
    entropy + l2 / 2.0 * known.map(variance).sum::<f64>()
}

#[test]
fn the_linear_probe_agrees_with_scikit_learn() {
    let (fixture, train, test) = load();
    let [steep, odd, one] = ["steep", "odd", "one"].map(|name| Rows::load(&fixture, name, &format!("{name}.labels")));
    let cases = [
        ("linear", &train, &test, DIM),
        ("steep", &steep, &steep, 40),
        ("odd", &odd, &odd, 60),
        ("one", &one, &one, 1),
    ];
    for (name, train, test, dim) in cases {
        for l2 in [0.0, 1e-3] {
            let case = format!("{name}.{l2}");
            let Some(want) = fixture.find(&format!("{case}.predictions")) else { continue };
            let features = Features::new(&train.values, &train.labels, dim);
            let classifier = LinearClassifier::fit(features, LinearProbe { l2, ..LinearProbe::default() });
            let got = classifier.predict(&test.values);
            let same = got.iter().zip(&want.values).filter(|(g, w)| **g == **w as u32).count();
            assert_eq!(same, want.values.len(), "predictions of {case}");
            let best = f64::from(fixture.get(&format!("{case}.objective")).values[0]);
            let reached = objective(&classifier, features, l2);
            assert!((reached / best - 1.0).abs() < 1e-6, "{case}: {reached} instead of {best}");
            agree(&case, &fixture, classifier);
        }
    }
}

/// Weights and biases of the classes that have samples, up to the constant that may be added to every bias.
fn agree(case: &str, fixture: &Fixture, classifier: LinearClassifier) {
    let classes = classifier.bias.len();
    let known: Vec<usize> = (0..classes).filter(|&c| classifier.bias[c].is_finite()).collect();
    let weight: Vec<f32> =
        classifier.weight.chunks_exact(classes).flat_map(|row| known.iter().map(|&c| row[c])).collect();
    assert_close(case, &weight, &fixture.get(&format!("{case}.weight")).values, 1e-3);
    let centred = |b: &[f32]| b.iter().map(|x| x - b.iter().sum::<f32>() / b.len() as f32).collect::<Vec<_>>();
    let bias: Vec<f32> = known.iter().map(|&c| classifier.bias[c]).collect();
    assert_close(case, &centred(&bias), &centred(&fixture.get(&format!("{case}.bias")).values), 1e-3);
}

#[test]
fn the_linear_probe_ends_where_there_is_no_optimum() {
    let fixture = Fixture::load("eval");
    // Forty rows of sixty columns can be told apart: without a penalty the weights grow for ever.
    let odd = Rows::load(&fixture, "odd", "odd.labels");
    let features = Features::new(&odd.values, &odd.labels, 60);
    let free = LinearProbe { l2: 0.0, ..LinearProbe::default() };
    let classifier = LinearClassifier::fit(features, free);
    assert!(classifier.weight.iter().all(|w| w.is_finite()));
    assert_eq!(classifier.predict(&odd.values), odd.labels);
    assert!(objective(&classifier, features, 0.0) < 1e-4);
    // One class, features that never change, nothing to test on.
    let (twos, constant) = (vec![2; 40], vec![3.7; 40 * 60]);
    let alike = Features::new(&odd.values, &twos, 60);
    assert_eq!(linear_probe(alike, features, free), 0.0);
    assert_eq!(linear_probe(alike, alike, free), 1.0);
    let most = odd.labels.iter().filter(|&&l| l == 0).count() as f64 / 40.0;
    assert_eq!(linear_probe(Features::new(&constant, &odd.labels, 60), features, LinearProbe::default()), most);
    assert_eq!(linear_probe(features, Features::new(&[], &[], 60), LinearProbe::default()), 0.0);
}

#[test]
fn the_linear_probe_sees_neither_scale_nor_correlation() {
    let (_, train, test) = load();
    // x_i becomes 1000^(i / 15) times the sum of x_0 .. x_i.
    let mixed = |rows: &Rows| -> Vec<f32> {
        let sums = |row: &[f32]| {
            let mut sum = 0.0;
            let scaled = row.iter().enumerate().map(|(i, x)| {
                sum += x;
                sum * 1000f32.powf(i as f32 / 15.0)
            });
            scaled.collect::<Vec<_>>()
        };
        rows.values.chunks_exact(DIM).flat_map(sums).collect()
    };
    let settings = LinearProbe { min_variance: 1e-12, ..LinearProbe::default() };
    let plain = LinearClassifier::fit(train.features(), settings).predict(&test.values);
    let other = mixed(&train);
    let other = LinearClassifier::fit(Features::new(&other, &train.labels, DIM), settings).predict(&mixed(&test));
    let same = plain.iter().zip(&other).filter(|(a, b)| a == b).count();
    assert!(same + 1 >= plain.len(), "{same} of {} predictions agree", plain.len());
}

#[test]
fn components_of_many_long_rows_are_those_of_some() {
    // More than 4096 both ways: four directions, the class in the weakest of those that are left in.
    let (rows, dim) = (4100, 4100);
    let draws = noise(rows * 4);
    let labels: Vec<u32> = (0..rows).map(|r| u32::from(draws[4 * r + 2] > 0.0)).collect();
    let value = |r: usize, c: usize| draws[4 * r + c % 4] * [100.0, 10.0, 1.0, 0.01][c % 4];
    let values: Vec<f32> = (0..rows).flat_map(|r| (0..dim).map(move |c| value(r, c))).collect();
    let features = Features::new(&values, &labels, dim);
    let classifier = LinearClassifier::fit(features, LinearProbe { iterations: 40, ..LinearProbe::default() });
    let right = classifier.predict(&values).iter().zip(&labels).filter(|(p, l)| p == l).count();
    assert!(right as f64 / rows as f64 > 0.98, "{right} of {rows}");
    let largest =
        |column: usize| classifier.weight.iter().skip(2 * column).step_by(8).fold(0f32, |m, w| m.max(w.abs()));
    assert!(largest(3) < 0.01 * largest(2), "a direction below the least variance has a weight of {}", largest(3));
}

#[test]
fn the_linear_probe_is_the_same_on_any_number_of_threads() {
    // Many rows; many columns; fewer rows than columns.
    for (dim, rows) in [(12, 3000), (300, 700), (500, 300)] {
        let values = noise(dim * rows);
        let labels: Vec<u32> = (0..rows).map(|r| u32::from(values[r * dim] + values[r * dim + 1] > 0.3)).collect();
        let features = Features::new(&values, &labels, dim);
        let fits = [1, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| LinearClassifier::fit(features, LinearProbe::default()))
        });
        assert_eq!(fits[0], fits[1]);
        assert!(linear_probe(features, features, LinearProbe::default()) > 0.97);
    }
}

#[test]
fn small_components_of_raw_pixels_are_left_out() {
    // An encoder that hands on 768 pixels of 1000 samples, on which the probe is judged, too: with all it learns them by heart.
    let linear = |probe: &str| {
        let text = format!(
            "views {{ a: crop(0.5..1) }}
            branch f {{ encoder: flatten() ; head: linear(4) }}
            loss {{ spread: hinge_variance(f(a)) }}
            train {{ batch: 16 }}
            evaluate {{ on: f.encoder; probes: [{probe}] }}"
        );
        let verdict = verdict(&text, "shapes:train=1000,test=10,size=16", &Control::default()).expect("a verdict");
        [verdict.trained, verdict.raw].map(|m| m.get("linear").expect("a linear probe"))
    };
    let [features, pixels] = linear("linear()");
    assert!(features == 1.0 && pixels < 1.0, "{features} and {pixels}");
    assert_eq!(linear("linear(min_variance: 1e-3)"), [pixels; 2]);
    let [features, pixels] = linear("linear(min_variance: 0.1)");
    assert!(features == pixels && pixels < 0.5, "{features} and {pixels}");
}
