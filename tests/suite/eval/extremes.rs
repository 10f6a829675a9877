//! Features of no rows, of no length, of one class: a defined result, and no panic.

use sslrun::eval::{
    Features, Knn, LinearProbe, alignment, effective_rank, feature_std, knn, linear_probe, spread, uniformity,
};

fn features<'a>(values: &'a [f32], labels: &'a [u32], dim: usize) -> Features<'a> {
    Features::new(values, labels, dim)
}

#[test]
fn probes_of_nothing_are_right_about_nothing() {
    let (two, labels) = ([1.0, 0.0, 0.0, 1.0], [0, 1]);
    let some = features(&two, &labels, 2);
    let (none, flat) = (features(&[], &[], 2), features(&[], &labels, 0));
    for (train, test) in [(none, some), (some, none), (none, none), (flat, flat)] {
        for k in [1, 20, 1 << 20] {
            assert_eq!(knn(train, test, Knn { k, temperature: 0.07 }), 0.0);
        }
        assert_eq!(linear_probe(train, test, LinearProbe::default()), 0.0);
    }
    for k in [1, 2, 3, 1 << 20] {
        assert_eq!(knn(some, some, Knn { k, temperature: 0.07 }), 1.0, "{k}");
    }
}

#[test]
fn one_class_is_told_by_every_probe() {
    let values: Vec<f32> = (0..24).map(|i| (i * 7 % 5) as f32).collect();
    for dim in [1, 3, 24] {
        let labels = vec![7; 24 / dim];
        let all = features(&values, &labels, dim);
        assert_eq!(knn(all, all, Knn::default()), 1.0);
        assert_eq!(linear_probe(all, all, LinearProbe::default()), 1.0);
    }
    // Features that tell nothing at all.
    let labels = [0, 1, 2, 3];
    let same = features(&[0.0; 8], &labels, 2);
    assert!(knn(same, same, Knn::default()) <= 0.25);
    assert!(linear_probe(same, same, LinearProbe::default()) <= 0.25);
}

#[test]
fn measures_of_one_row_or_none_are_numbers_or_none() {
    for (values, dim) in [(vec![], 4), (vec![1.0, 2.0], 2), (vec![3.0], 1), (vec![], 0)] {
        let found = spread(&values, dim);
        assert!(found.std == 0.0 || found.std.is_nan(), "{found:?}");
        assert!(feature_std(&values, dim) >= 0.0);
        assert_eq!(effective_rank(&values, dim).is_nan(), values.is_empty());
        assert!(!uniformity(&values, dim).is_finite(), "no pair of rows");
        assert_eq!(alignment(&values, &values, dim), 0.0);
    }
}

/// Both zeros are one similarity, so the earlier row is the nearer.
#[test]
fn of_equal_votes_the_smaller_class_wins_whatever_k_is() {
    let values: Vec<f32> = (0..6000).flat_map(|i| if i % 2 == 0 { [1.0, 0.5] } else { [0.5, 1.0] }).collect();
    let labels: Vec<u32> = (0..6000).map(|i| if i % 2 == 0 { 3 } else { 1 }).collect();
    let train = features(&values, &labels, 2);
    for k in [2, 1000, 4000, 6000, 9000] {
        let test = features(&[1.0, 1.0], &[1], 2);
        assert_eq!(knn(train, test, Knn { k, temperature: 1.0 }), 1.0, "{k}");
    }
    for k in [1, 999, 4001] {
        let test = features(&[1.0, 1.0], &[3], 2);
        assert_eq!(knn(train, test, Knn { k, temperature: 1.0 }), 1.0, "{k}");
    }
}
