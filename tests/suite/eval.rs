//! Probes and measures against PyTorch, scikit-learn and NumPy (`tests/reference/eval.py`).

mod extremes;
mod linear;

use crate::fixtures::{Fixture, assert_close};
use sslrun::catalog::{Arg, Config};
use sslrun::eval::{
    Features, Knn, LinearProbe, PROBES, Probe, alignment, effective_rank, feature_std, knn, linear_probe, spread,
    uniformity,
};
use sslrun::random::Rng;

const DIM: usize = 16;

/// Some rows of the fixture.
struct Rows {
    values: Vec<f32>,
    labels: Vec<u32>,
}

impl Rows {
    fn load(fixture: &Fixture, name: &str, labels: &str) -> Self {
        let labels = fixture.get(labels).values.iter().map(|&l| l as u32).collect();
        Self { values: fixture.get(name).values.clone(), labels }
    }

    fn features(&self) -> Features<'_> {
        Features::new(&self.values, &self.labels, DIM)
    }
}

fn load() -> (Fixture, Rows, Rows) {
    let fixture = Fixture::load("eval");
    let split = |name| Rows::load(&fixture, name, &format!("{name}_labels"));
    let (train, test) = (split("train"), split("test"));
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
fn neighbours_are_those_of_a_full_sort_for_any_k() {
    let (dim, rows, queries) = (8, 5000, 40);
    let mut rng = Rng::new(&[7]);
    // Half along four axes each: all products are quarters, in any order of adding up, and most have many equals.
    let mut values: Vec<f32> = (0..rows + queries)
        .flat_map(|_| {
            let axes = rng.permutation(dim);
            axes.into_iter().map(|a| if a >= 4 { 0.0 } else { 0.5 - rng.below(2) as f32 }).collect::<Vec<_>>()
        })
        .collect();
    values[100 * dim + 3] = f32::NAN;
    let labels: Vec<u32> = (0..rows).map(|_| rng.below(30) as u32).collect();
    let unit = |r: usize| {
        let row = &values[r * dim..(r + 1) * dim];
        let length = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        row.iter().map(|&x| (f64::from(x) / length) as f32).collect::<Vec<_>>()
    };
    let units: Vec<_> = (0..rows + queries).map(unit).collect();
    let predicted = |q: usize, k: usize| {
        let cosine = |r: usize| units[q].iter().zip(&units[r]).map(|(a, b)| a * b).sum::<f32>();
        let mut order: Vec<_> = (0..rows).map(|r| (cosine(r), r)).filter(|(s, _)| !s.is_nan()).collect();
        order.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap());
        let mut votes = [0.0; 30];
        order.iter().take(k).for_each(|&(s, r)| votes[labels[r] as usize] += (f64::from(s - order[0].0) / 0.5).exp());
        let best = votes.iter().enumerate().fold((0, 0.0), |b, (c, &v)| if v > b.1 { (c, v) } else { b });
        best.0 as u32
    };
    let train = Features::new(&values[..rows * dim], &labels, dim);
    for k in [1, 2, 3, 20, 700, 2500, 4998, 4999, 5000, 100_000] {
        let wanted: Vec<u32> = (rows..rows + queries).map(|q| predicted(q, k)).collect();
        let test = Features::new(&values[rows * dim..], &wanted, dim);
        assert_eq!(knn(train, test, Knn { k, temperature: 0.5 }), 1.0, "k = {k}");
    }
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
fn probes_are_read_from_calls_with_the_defaults_of_their_entries() {
    let linear = |settings| Probe::Linear { settings, candidates: Vec::new() };
    for (entry, want) in
        PROBES.iter().map(|probe| probe.entry).zip([Probe::Knn(Knn::default()), linear(LinearProbe::default())])
    {
        let default = |p: &sslrun::catalog::Param| Arg::Number(p.default.unwrap().parse().unwrap());
        let args = entry.params.iter().map(|p| (p.name.to_owned(), default(p))).collect();
        let config = Config { entry, args, span: None };
        assert_eq!(Probe::from_config(&config), Some(want.clone()));
        assert_eq!(want.name(), entry.name);
    }
    let of_pixels = LinearProbe { min_variance: 1e-3, ..LinearProbe::default() };
    assert_eq!(linear(LinearProbe::default()).of_pixels(), linear(of_pixels));
    let fewer = LinearProbe { min_variance: 0.1, ..LinearProbe::default() };
    assert_eq!(linear(fewer).of_pixels(), linear(fewer));
    assert_eq!(Probe::Knn(Knn::default()).of_pixels(), Probe::Knn(Knn::default()));
}

#[test]
fn nothing_and_nonsense_do_not_panic() {
    let none = Features::new(&[], &[], 4);
    let nan = Features::new(&[f32::NAN; 8], &[0, 1], 4);
    let knn = |train, test| knn(train, test, Knn::default());
    let linear = |train, test| linear_probe(train, test, LinearProbe::default());
    for accuracy in [&knn as &dyn Fn(_, _) -> f64, &linear] {
        assert_eq!((accuracy(none, none), accuracy(none, nan)), (0.0, 0.0));
        assert!(accuracy(nan, nan).is_finite());
    }
}
