//! Probes and measures against PyTorch, scikit-learn and NumPy (`tests/reference/eval.py`).

use crate::fixtures::{Fixture, assert_close};
use sslrun::catalog::{Arg, Config};
use sslrun::eval::{
    Features, Knn, LinearClassifier, LinearProbe, PROBES, Probe, alignment, effective_rank, feature_std, knn,
    linear_probe, spread, symmetric_eigenvalues, uniformity,
};
use sslrun::random::Rng;
use sslrun::source::{FileId, Span};

const DIM: usize = 16;

/// The fixture's training or test rows.
struct Rows {
    values: Vec<f32>,
    labels: Vec<u32>,
}

impl Rows {
    fn load(fixture: &Fixture, name: &str) -> Self {
        let labels = fixture.get(&format!("{name}_labels")).values.iter().map(|&l| l as u32).collect();
        Self { values: fixture.get(name).values.clone(), labels }
    }

    fn features(&self) -> Features<'_> {
        Features::new(&self.values, &self.labels, DIM)
    }
}

fn load() -> (Fixture, Rows, Rows) {
    let fixture = Fixture::load("eval");
    let (train, test) = (Rows::load(&fixture, "train"), Rows::load(&fixture, "test"));
    (fixture, train, test)
}

fn noise(len: usize) -> Vec<f32> {
    let mut rng = Rng::new(&[5]);
    (0..len).map(|_| rng.range(-1.0, 1.0) as f32).collect()
}

#[test]
fn knn_agrees_with_pytorch() {
    let (fixture, train, test) = load();
    for (k, temperature) in [(1, 0.07), (20, 0.07), (50, 0.5)] {
        let got = knn(train.features(), test.features(), Knn { k, temperature });
        let want = f64::from(fixture.get(&format!("knn.{k}")).values[0]);
        assert!((got - want).abs() < 1e-6, "k = {k}: {got} instead of {want}");
    }
}

#[test]
fn knn_over_many_tiles_agrees_with_a_plain_loop() {
    let (dim, rows, queries, k) = (8, 5000, 150, 7);
    let values = noise(dim * (rows + queries));
    let labels: Vec<u32> = (0..(rows + queries) as u32).map(|i| i.wrapping_mul(40_503) >> 3 & 3).collect();
    let unit = |r: usize| {
        let row = &values[r * dim..(r + 1) * dim];
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        row.iter().map(|x| x / length).collect::<Vec<_>>()
    };
    let units: Vec<_> = (0..rows + queries).map(unit).collect();
    let mut right = 0;
    for q in rows..rows + queries {
        let cosine = |r: usize| units[q].iter().zip(&units[r]).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let mut order: Vec<_> = (0..rows).map(|r| (cosine(r), r)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut votes = [0.0; 4];
        order[..k].iter().for_each(|&(s, r)| votes[labels[r] as usize] += (s / 0.07).exp());
        let best = (0..4).max_by(|&a, &b| f64::total_cmp(&votes[a], &votes[b])).unwrap();
        right += usize::from(best == labels[q] as usize);
    }
    let train = Features::new(&values[..rows * dim], &labels[..rows], dim);
    let test = Features::new(&values[rows * dim..], &labels[rows..], dim);
    let got = knn(train, test, Knn { k, temperature: 0.07 });
    assert!((got - right as f64 / queries as f64).abs() < 0.5 / queries as f64);
}

#[test]
fn the_linear_probe_agrees_with_scikit_learn() {
    let (fixture, train, test) = load();
    let settings = LinearProbe { iterations: 1000, l2: 1e-3 };
    let classifier = LinearClassifier::fit(train.features(), settings);
    let want = &fixture.get("linear.predictions").values;
    let got = classifier.predict(&test.values);
    let same = got.iter().zip(want).filter(|(g, w)| **g == **w as u32).count();
    assert!(same + 1 >= want.len(), "{same} of {} predictions agree", want.len());
    assert_close("weight", &classifier.weight, &fixture.get("linear.weight").values, 1e-3);
    // A constant added to every bias changes nothing.
    let centred = |b: &[f32]| b.iter().map(|x| x - b.iter().sum::<f32>() / b.len() as f32).collect::<Vec<_>>();
    let want = &fixture.get("linear.bias").values;
    assert_close("bias", &centred(&classifier.bias), &centred(want), 1e-3);
}

#[test]
fn the_linear_probe_is_the_same_on_any_number_of_threads() {
    let (dim, rows) = (12, 3000);
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

#[test]
fn measures_of_collapse_agree_with_their_references() {
    let fixture = Fixture::load("eval");
    for (name, dim) in [("tall", 24), ("wide", 48)] {
        let x = &fixture.get(name).values;
        let close = |what: &str, got: f64| {
            assert_close(what, &[got as f32], &fixture.get(&format!("{name}.{what}")).values, 1e-5);
        };
        close("std", feature_std(x, dim));
        close("rank", effective_rank(x, dim));
        close("uniformity", uniformity(x, dim));
        assert_eq!(spread(x, dim).std, feature_std(x, dim));
    }
    let (a, b) = fixture.get("tall").values.split_at(150 * 24);
    assert_close("alignment", &[alignment(a, b, 24) as f32], &fixture.get("tall.alignment").values, 1e-5);
}

#[test]
fn collapsed_and_large_features_have_the_rank_they_should() {
    let constant = [1.0, 2.0, 3.0].repeat(50);
    let collapsed = spread(&constant, 3);
    assert!(collapsed.std < 1e-6 && collapsed.uniformity.abs() < 1e-5);
    assert!((collapsed.effective_rank - 1.0).abs() < 1e-5);
    assert_eq!(effective_rank(&[0.0; 12], 3), 0.0);
    assert!(effective_rank(&[f32::NAN; 12], 3).is_nan());
    // More rows and columns than are looked at.
    let (rows, dim) = (700, 600);
    let wide = spread(&noise(rows * dim), dim);
    assert!(wide.effective_rank > 400.0 && wide.effective_rank <= 512.0, "{wide:?}");
    assert!((wide.std * (dim as f64).sqrt() - 1.0).abs() < 0.05, "{wide:?}");
}

#[test]
fn eigenvalues_agree_with_lapack() {
    let fixture = Fixture::load("eval");
    let mut matrix: Vec<f64> = fixture.get("symmetric").values.iter().map(|&x| x.into()).collect();
    let got: Vec<f32> = symmetric_eigenvalues(&mut matrix, 30).iter().map(|&x| x as f32).collect();
    assert_close("eigenvalues", &got, &fixture.get("symmetric.eigenvalues").values, 1e-6);
    assert_eq!(symmetric_eigenvalues(&mut [], 0), Vec::<f64>::new());
    assert_eq!(symmetric_eigenvalues(&mut [3.0], 1), [3.0]);
    assert_eq!(symmetric_eigenvalues(&mut [2.0, 0.0, 0.0, -1.0], 2), [-1.0, 2.0]);
    assert_eq!(symmetric_eigenvalues(&mut [f64::NAN; 9], 3).len(), 3);
}

#[test]
fn probes_are_read_from_calls_with_the_defaults_of_their_entries() {
    for (entry, want) in PROBES.iter().zip([Probe::Knn(Knn::default()), Probe::Linear(LinearProbe::default())]) {
        let default = |p: &sslrun::catalog::Param| Arg::Number(p.default.unwrap().parse().unwrap());
        let args = entry.params.iter().map(|p| (p.name.to_owned(), default(p))).collect();
        let config = Config { name: entry.name.into(), args, span: Span::new(FileId(0), 0..0) };
        assert_eq!(Probe::from_config(&config), Some(want.clone()));
        assert_eq!(want.name(), entry.name);
    }
}

#[test]
fn nothing_and_nonsense_do_not_panic() {
    let none = Features::new(&[], &[], 4);
    let nan = Features::new(&[f32::NAN; 8], &[0, 1], 4);
    for probe in [Probe::Knn(Knn::default()), Probe::Linear(LinearProbe::default())] {
        assert_eq!(probe.accuracy(none, none), Some(0.0));
        assert_eq!(probe.accuracy(none, nan), Some(0.0));
        assert!(probe.accuracy(nan, nan).is_some_and(f64::is_finite));
    }
}
