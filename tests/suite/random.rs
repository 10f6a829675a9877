//! The generators: streams, ranges, moments.
use sslrun::random::{Rng, bits_at, normal_pair_at, uniform_at};

#[test]
fn streams_depend_on_every_seed_and_their_order() {
    let first = |seeds: &[u64]| Rng::new(seeds).next_u64();
    let all = [first(&[1, 2]), first(&[2, 1]), first(&[1, 2, 0]), first(&[1]), first(&[]), first(&[0]), first(&[0, 0])];
    for (i, a) in all.iter().enumerate() {
        assert!(all[i + 1..].iter().all(|b| a != b));
    }
    assert_eq!(first(&[7, 8]), first(&[7, 8]));
}

#[test]
fn below_is_in_range_and_even() {
    let mut rng = Rng::new(&[3]);
    let mut counts = [0usize; 7];
    for _ in 0..70_000 {
        counts[rng.below(7)] += 1;
    }
    assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 500), "{counts:?}");
    assert_eq!(rng.below(0), 0);
    assert_eq!(rng.below(1), 0);
}

#[test]
fn moments_of_normal_and_uniform() {
    let n = 200_000;
    let mut rng = Rng::new(&[1, 2, 3]);
    let normal: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
    let counted: Vec<f64> = (0..n as u64 / 2).flat_map(|i| <[f64; 2]>::from(normal_pair_at(9, i))).collect();
    for xs in [normal, counted] {
        let moment = |p: i32| xs.iter().map(|x| x.powi(p)).sum::<f64>() / n as f64;
        assert!(moment(1).abs() < 0.01 && (moment(2) - 1.0).abs() < 0.02);
        assert!(moment(3).abs() < 0.05 && (moment(4) - 3.0).abs() < 0.1);
    }
    let mean = (0..n as u64).map(|i| uniform_at(4, i)).sum::<f64>() / n as f64;
    assert!((mean - 0.5).abs() < 0.005);
    assert!((0..1000).all(|_| (2.0..5.0).contains(&rng.range(2.0, 5.0))));
    assert_ne!(bits_at(1, 0), bits_at(0, 1));
}

#[test]
fn many_normal_numbers_are_those_of_as_many_calls() {
    let (mut one, mut many) = (Rng::new(&[6]), Rng::new(&[6]));
    for count in [1000, 3, 70, 0, 1, 100_000] {
        let mut numbers = vec![0.0; count];
        many.normals(&mut numbers);
        for (place, number) in numbers.into_iter().enumerate() {
            let wanted = one.normal();
            // A single call rounds the angle, by up to 7e-16, before it takes its cosine times a radius of up to 8.6.
            assert!((number - wanted).abs() <= 1e-14, "{place}: {number} {wanted}");
        }
    }
    assert_eq!(one.next_u64(), many.next_u64());
}

#[test]
fn a_permutation_holds_every_number_once() {
    let mut order = Rng::new(&[5]).permutation(100);
    assert_ne!(order, (0..100).collect::<Vec<_>>());
    order.sort_unstable();
    assert_eq!(order, (0..100).collect::<Vec<_>>());
}
