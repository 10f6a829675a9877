//! Symbolic dimensions: division of polynomials.

use proptest::prelude::*;
use sslrun::graph::Dim;

/// Polynomials of up to three symbols, four terms and degree three.
fn dims() -> impl Strategy<Value = Dim> {
    let term = (-4i64..=4, prop::collection::vec(prop::sample::select(vec!["N", "D", "K"]), 0..=3));
    prop::collection::vec(term, 0..=4).prop_map(|terms| {
        let term = |(c, symbols): (i64, Vec<&str>)| symbols.iter().fold(Dim::from(c), |p, s| &p * &Dim::symbol(s));
        terms.into_iter().map(term).fold(Dim::default(), |sum, t| &sum + &t)
    })
}

/// The value for some sizes.
fn at(dim: &Dim, sizes: [i64; 3]) -> i64 {
    let size = |name: &str| ["N", "D", "K"].iter().position(|s| *s == name).map(|i| sizes[i]);
    dim.eval(&size).unwrap()
}

proptest! {
    #[test]
    fn a_product_divides_by_its_factors(a in dims(), b in dims()) {
        let product = &a * &b;
        if b.is(0) {
            prop_assert_eq!(product.divide(&b), None);
        } else {
            prop_assert_eq!(product.divide(&b), Some(a));
        }
    }

    #[test]
    fn a_product_and_a_little_more_does_not(a in dims(), b in dims(), more in 1i64..=3) {
        // A remainder of lower degree than the divisor is never divisible by it, nor is a number below a number.
        prop_assume!(!b.symbols().is_empty() || b.constant().is_some_and(|n| n.abs() > more));
        let sum = &(&a * &b) + &Dim::from(more);
        prop_assert_eq!(sum.divide(&b), None);
    }

    #[test]
    fn a_quotient_is_one_for_all_sizes(a in dims(), b in dims(), sizes in [1i64..9, 1..9, 1..9]) {
        if let Some(quotient) = a.divide(&b) {
            prop_assert_eq!(at(&quotient, sizes) * at(&b, sizes), at(&a, sizes));
        }
    }
}

#[test]
fn sums_divide_sums() {
    let [n, d, k] = ["N", "D", "K"].map(Dim::symbol);
    let sum = &k + &d;
    assert_eq!((&n * &sum).divide(&sum), Some(n.clone()));
    let square = &sum * &sum;
    assert_eq!(square.divide(&sum), Some(sum.clone()));
    assert_eq!((&(&n * &n) - &(&k * &k)).divide(&(&n - &k)), Some(&n + &k));
    assert_eq!((&n * &sum).divide(&d), None);
    assert_eq!(n.divide(&Dim::from(2i64)), None);
    assert_eq!(Dim::default().divide(&sum), Some(Dim::default()));
}
