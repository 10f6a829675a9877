//! Assignment to prototypes: what the fixtures of PyTorch do not say of it.

use super::fixtures::Tensor;
use super::operations::{compute, dot};
use sslrun::exec::EngineKind;
use sslrun::kernels::{Sinkhorn, kmeans, kmeans_start, randn, sinkhorn};

fn numbers(seed: u64, shape: &[usize]) -> Tensor {
    let mut values = vec![0.0f32; shape.iter().product()];
    randn(seed, 0, &mut values);
    Tensor { shape: shape.to_vec(), values }
}

#[test]
fn both_engines_assign_alike() {
    let (x, cot) = (numbers(1, &[12, 3, 5]), numbers(2, &[12, 3, 5]));
    let (rows, bank) = (numbers(3, &[12, 4]), numbers(4, &[3, 4]));
    let terms = "
        batch: sum(sinkhorn(x, epsilon: 0.05) * cot)
        position: sum(sinkhorn(x, epsilon: 0.1, per: position, tolerance: 0.01) * cot)
        probabilities: sum(sinkhorn(softmax(x), of: probabilities) * cot)
        clusters: sum(kmeans(rows, 3, iterations: 4) * bank)
        nearest: sum(index_select(bank, nearest(rows, bank)) * rows)
        gumbel: sum(gumbel_softmax(rows, 0.7, hard: true) * rows)
        maps: sum(gumbel_softmax(x, 0.7) * cot)
        erf: sum(erf(rows) + inverse_erf(0.9 * tanh(rows)))";
    let inputs = [("x", &x), ("cot", &cot), ("rows", &rows), ("bank", &bank)];
    let [planned, candle] =
        [EngineKind::Planned, EngineKind::Candle].map(|kind| compute(kind, terms, &inputs).expect("it runs"));
    for (a, b) in planned.terms.iter().zip(&candle.terms) {
        assert!((a - b).abs() < 1e-4 * (1.0 + a.abs()), "{:?} and {:?}", planned.terms, candle.terms);
    }
    for name in ["x", "rows", "bank"] {
        let pairs = planned.grads[name].iter().zip(&candle.grads[name]);
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-4 * (1.0 + a.abs())), "gradients by {name}");
    }
    let stopped = terms.lines().filter(|l| !l.contains("maps:")).collect::<Vec<_>>().join("\n");
    let stopped = compute(EngineKind::Planned, &stopped, &inputs).expect("it runs");
    assert!(stopped.grads["x"].iter().all(|&g| g == 0.0), "no gradient flows through an assignment");
}

#[test]
fn a_balanced_assignment_uses_all_prototypes() {
    let sizes = Sinkhorn {
        rows: 40,
        count: 40,
        columns: 8,
        epsilon: 0.5,
        probabilities: false,
        iterations: 2000,
        tolerance: Some(1e-9),
    };
    // All rows would like the first column, by scores far beyond what an exponential could hold.
    let mut x = vec![0.0f64; 320];
    randn(7, 0, &mut x);
    x.chunks_mut(8).for_each(|row| row[0] += 500.0);
    let mut y = vec![0.0; 320];
    sinkhorn(&sizes, &x, &mut y);
    for j in 0..8 {
        let used: f64 = y.iter().skip(j).step_by(8).sum();
        assert!((used - 5.0).abs() < 1e-6, "column {j} is used {used} times instead of 5");
    }
    assert!(y.chunks(8).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-12));
}

#[test]
fn plain_products_and_logarithms_agree() {
    // Scores so far apart that the factors leave what plain numbers can hold, against the other engine's logarithms.
    let mut x = numbers(9, &[30, 4]);
    x.values.iter_mut().enumerate().for_each(|(i, v)| *v = 300.0 * *v + if i % 4 == 1 { 900.0 } else { 0.0 });
    let cot = numbers(10, &[30, 4]);
    for iterations in [1, 2, 9, 60] {
        let term = format!("l: sum(sinkhorn(x, iterations: {iterations}) * cot)");
        let [planned, candle] = [EngineKind::Planned, EngineKind::Candle]
            .map(|kind| compute(kind, &term, &[("x", &x), ("cot", &cot)]).expect("it runs").terms[0]);
        assert!((planned - candle).abs() < 1e-4 * (1.0 + candle.abs()), "{iterations}: {planned} and {candle}");
    }
}

#[test]
fn what_is_impossible_stays_impossible() {
    let sizes =
        Sinkhorn { rows: 2, count: 2, columns: 3, epsilon: 1.0, probabilities: true, iterations: 5, tolerance: None };
    let mut y = vec![9.0f32; 6];
    sinkhorn(&sizes, &[0.5, 0.5, 0.0, 0.2, 0.8, 0.0], &mut y);
    assert!(y.iter().all(|v| v.is_finite()) && y[2] == 0.0 && y[5] == 0.0, "{y:?}");
}

#[test]
fn clusters_are_those_of_lloyds_algorithm() {
    let (rows, dim, k) = (5000, 6, 7);
    let mut x = vec![0.0f64; rows * dim];
    randn(3, 0, &mut x);
    x.chunks_mut(dim).for_each(unit);
    let start = kmeans_start(11, rows, k);
    let mut plain: Vec<Vec<f64>> = start.iter().map(|&i| x[i * dim..(i + 1) * dim].to_vec()).collect();
    let mut centres = plain.concat();
    kmeans(&x, dim, 5, &mut centres);
    for _ in 0..5 {
        let mut sums = vec![vec![0.0; dim]; k];
        for row in x.chunks(dim) {
            let score = |c: &Vec<f64>| c.iter().zip(row).map(|(a, b)| a * b).sum::<f64>();
            let best = (0..k).max_by(|&a, &b| score(&plain[a]).total_cmp(&score(&plain[b]))).expect("some centre");
            sums[best].iter_mut().zip(row).for_each(|(s, v)| *s += v);
        }
        plain = sums;
        plain.iter_mut().for_each(|c| unit(c));
    }
    let error = centres.iter().zip(plain.concat()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(error < 1e-12, "{error:e}");
    // A centre without rows stays where it is.
    let mut lonely = vec![1.0, 0.0, -1.0, 0.0];
    kmeans(&[1.0, 0.0, 0.6, 0.8], 2, 3, &mut lonely);
    assert_eq!(lonely[2..], [-1.0, 0.0]);
}

fn unit(row: &mut [f64]) {
    let length = row.iter().map(|v| v * v).sum::<f64>().sqrt();
    row.iter_mut().for_each(|v| *v /= length);
}

#[test]
fn a_hard_choice_has_the_gradient_of_the_soft_one() {
    let (x, cot) = (numbers(5, &[6, 4]), numbers(6, &[6, 4]));
    let inputs = [("x", &x), ("cot", &cot)];
    let value = |term: &str| compute(EngineKind::Planned, term, &inputs).expect("it runs");
    let hard = value("hard: sum(gumbel_softmax(x, 0.5, hard: true) ^ 2)");
    assert!((hard.terms[0] - 6.0).abs() < 1e-5, "six rows with a single one, not {}", hard.terms[0]);
    let [straight, soft] =
        ["straight_through(stopgrad(cot), tanh(x))", "tanh(x)"].map(|e| value(&format!("value: sum(({e}) * cot)")));
    assert_eq!(straight.grads["x"], soft.grads["x"]);
    assert!((straight.terms[0] - dot(&cot, &cot)).abs() < 1e-4);
}

#[test]
fn gumbel_noise_draws_categories_by_their_probabilities() {
    // The largest noisy logit is a category drawn by the softmax of the logits, for any temperature.
    let logits = [0.0f32, 1.0, -0.5, 2.0];
    let x = Tensor { shape: vec![4000, 4], values: logits.repeat(4000) };
    let drawn = |class: usize| {
        let term = format!("l: sum(gumbel_softmax(x, 0.3, hard: true) * one_hot(0 * arange(4000) + {class}, 4))");
        f64::from(compute(EngineKind::Planned, &term, &[("x", &x)]).expect("it runs").terms[0]) / 4000.0
    };
    let total: f64 = logits.iter().map(|&l| f64::from(l).exp()).sum();
    for (class, &logit) in logits.iter().enumerate() {
        let (share, want) = (drawn(class), f64::from(logit).exp() / total);
        assert!((share - want).abs() < 0.03, "class {class}: {share} instead of {want}");
    }
}
