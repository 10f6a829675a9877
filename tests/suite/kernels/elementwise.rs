//! Unary, binary and conditional functions.
use super::{close, indices, place, positions, random, same_for_any_threads, wide};
use sslrun::kernels::{
    Binary, Path, Unary, binary, gelu_grad, gelu_grad_on, randn, select, sum_relu_grad, unary, unary_on, uniform,
};

/// An independent value in f64.
fn reference(op: Unary, x: f64) -> f64 {
    let phi = |x: f64| 0.5 * libm::erfc(-x / 2f64.sqrt());
    match op {
        Unary::Neg => -x,
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Sqrt => x.sqrt(),
        Unary::Square => x * x,
        Unary::Abs => x.abs(),
        Unary::Sign => (x > 0.0) as i32 as f64 - (x < 0.0) as i32 as f64,
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tanh => x.tanh(),
        Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Unary::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Unary::Relu => x.max(0.0),
        Unary::Gelu => x * phi(x),
        Unary::Erf => libm::erf(x),
        Unary::InverseErf => bisected(x),
        Unary::Recip => 1.0 / x,
    }
}

/// Where `erf` is `x`, by halving an interval.
fn bisected(x: f64) -> f64 {
    let (mut low, mut high) = (-6.0, 6.0);
    for _ in 0..200 {
        let middle = (low + high) / 2.0;
        if libm::erf(middle) < x { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

const ALL: [Unary; 17] = [
    Unary::Neg,
    Unary::Exp,
    Unary::Log,
    Unary::Sqrt,
    Unary::Square,
    Unary::Abs,
    Unary::Sign,
    Unary::Sin,
    Unary::Cos,
    Unary::Tanh,
    Unary::Sigmoid,
    Unary::Softplus,
    Unary::Relu,
    Unary::Gelu,
    Unary::Erf,
    Unary::InverseErf,
    Unary::Recip,
];

#[test]
fn every_unary_matches_f64_on_every_path() {
    let mut x: Vec<f32> = random(1, 10_007);
    x[..4].copy_from_slice(&[0.0, -0.0, 30.0, -30.0]);
    for op in ALL {
        let domain = |v: f32| match op {
            Unary::Log | Unary::Sqrt => v.abs(),
            Unary::InverseErf => 0.99 * v.tanh(),
            _ => v,
        };
        let x: Vec<f32> = x.iter().map(|&v| domain(v)).collect();
        let expected: Vec<f64> = wide(&x).into_iter().map(|v| reference(op, v)).collect();
        for path in Path::available() {
            let mut out = vec![9.0f32; x.len()];
            unary_on(path, op, &x, &mut out);
            for ((&v, &got), &e) in x.iter().zip(&out).zip(&expected) {
                let fine = got as f64 == e || (got as f64 - e).abs() <= 1e-6 * (e.abs() + 0.1);
                assert!(fine, "{op:?}({v}) on {} is {got}, expected {e}", path.name());
            }
        }
        let mut out = vec![9.0f64; x.len()];
        unary(op, &wide(&x), &mut out);
        assert!(out.iter().zip(&expected).all(|(g, e)| g == e || (g - e).abs() <= 1e-12 * (e.abs() + 0.1)), "{op:?}");
    }
}

/// The distance in units of the last place of the f32 nearest to `e`.
fn ulp(got: f32, e: f64) -> f64 {
    let near = (e as f32).abs();
    let unit = (f32::from_bits(near.to_bits() + 1) - near) as f64;
    if got as f64 == e { 0.0 } else { (got as f64 - e).abs() / unit }
}

#[test]
fn exp_log_tanh_erf_err_by_few_ulp() {
    let step = |low: f32, high: f32| (0..200_000).map(move |i| low + (high - low) * (i as f32 / 200_000.0));
    let tiny = (1..2000u32).map(|i| f32::from_bits(i * 1_048_573));
    let cases: [(Unary, Vec<f32>, f64); 5] = [
        (Unary::Exp, step(-103.0, 88.7).collect(), 2.0),
        (Unary::Log, step(0.0, 4.0).skip(1).chain(tiny.clone()).collect(), 1.5),
        (Unary::Tanh, step(-10.0, 10.0).chain(tiny.clone()).collect(), 2.0),
        (Unary::Erf, step(-4.5, 4.5).chain(tiny).collect(), 2.0),
        (Unary::Sigmoid, step(-80.0, 80.0).collect(), 3.0),
    ];
    for (op, x, limit) in cases {
        for path in Path::available() {
            let mut out = vec![0.0f32; x.len()];
            unary_on(path, op, &x, &mut out);
            let errors = x.iter().zip(&out).map(|(&x, &y)| (ulp(y, reference(op, x as f64)), x));
            let (worst, at) = errors.fold((0.0, 0.0), |m, e| if e.0 <= m.0 { m } else { e });
            println!("{op:?} on {}: {worst:.2} ulp at {at}", path.name());
            assert!(worst <= limit, "{op:?} on {}: {worst} ulp at {at}", path.name());
        }
    }
}

#[test]
fn gelu_keeps_its_digits_on_both_sides_and_so_does_its_gradient() {
    let phi = |x: f64| 0.5 * libm::erfc(-x / 2f64.sqrt());
    let slope = |x: f64| phi(x) + x * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let x: Vec<f32> = (0..400_000).map(|i| -13.0 + 26.0 * (i as f32 / 400_000.0)).chain([0.0, -0.0, 40.0]).collect();
    let dy: Vec<f32> = random(5, x.len());
    for path in Path::available() {
        let (mut y, mut dx) = (vec![9.0f32; x.len()], vec![9.0f32; x.len()]);
        unary_on(path, Unary::Gelu, &x, &mut y);
        gelu_grad_on(path, &x, &dy, &mut dx);
        for (i, &v) in x.iter().enumerate() {
            let (v, dy) = (v as f64, dy[i] as f64);
            let near =
                |got: f32, e: f64, part: f64| (got as f64 - e).abs() <= part * e.abs() + f32::MIN_POSITIVE as f64;
            let digits = (5.0 + v * v) * 1e-7;
            assert!(near(y[i], v * phi(v), digits), "gelu({v}) on {} is {}", path.name(), y[i]);
            // Near its zero the slope is a difference of larger numbers.
            let error = (dx[i] as f64 - dy * slope(v)).abs();
            assert!(error <= dy.abs() * (digits * slope(v).abs() + 1e-7), "{v} on {}: {error:e}", path.name());
        }
    }
    let (x, dy) = (wide(&x), wide(&dy));
    let mut dx = vec![9.0; x.len()];
    gelu_grad(&x, &dy, &mut dx);
    assert!((0..x.len()).all(|i| (dx[i] - dy[i] * slope(x[i])).abs() < 1e-14 * (1.0 + dy[i].abs())));
}

#[test]
fn special_values() {
    let inf = f32::INFINITY;
    let check = |op: Unary, x: f32, expected: f32| {
        for path in Path::available() {
            let mut out = [0.0f32; 33];
            unary_on(path, op, &[x; 33], &mut out);
            let same = |v: &f32| *v == expected || (v.is_nan() && expected.is_nan());
            assert!(out.iter().all(same), "{op:?}({x}) on {} is {}", path.name(), out[0]);
        }
    };
    for op in ALL {
        check(op, f32::NAN, f32::NAN);
    }
    for (op, x, expected) in [
        (Unary::Exp, inf, inf),
        (Unary::Exp, -inf, 0.0),
        (Unary::Exp, 0.0, 1.0),
        (Unary::Log, 0.0, -inf),
        (Unary::Log, -1.0, f32::NAN),
        (Unary::Log, inf, inf),
        (Unary::Log, 1.0, 0.0),
        (Unary::Tanh, inf, 1.0),
        (Unary::Tanh, -inf, -1.0),
        (Unary::Erf, inf, 1.0),
        (Unary::Erf, -inf, -1.0),
        (Unary::Gelu, inf, inf),
        (Unary::Gelu, 1e30, 1e30),
        (Unary::Gelu, -1e30, 0.0),
        (Unary::Gelu, 0.0, 0.0),
        (Unary::Sigmoid, inf, 1.0),
        (Unary::Sigmoid, -inf, 0.0),
        (Unary::Softplus, 200.0, 200.0),
        (Unary::Softplus, -200.0, 0.0),
        (Unary::Sign, -inf, -1.0),
        (Unary::Sign, 0.0, 0.0),
    ] {
        check(op, x, expected);
    }
}

fn combine(op: Binary, a: f64, b: f64) -> f64 {
    let truth = |b: bool| b as i32 as f64;
    match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Pow => a.powf(b),
        Binary::Min => a.min(b),
        Binary::Max => a.max(b),
        Binary::Eq => truth(a == b),
        Binary::Ne => truth(a != b),
        Binary::Lt => truth(a < b),
        Binary::Le => truth(a <= b),
    }
}

#[test]
fn binary_broadcasts() {
    let ops = [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div, Binary::Pow, Binary::Min, Binary::Max];
    let comparisons = [Binary::Eq, Binary::Ne, Binary::Lt, Binary::Le];
    let shapes: [(&[usize], &[usize], &[usize]); 9] = [
        (&[7], &[7], &[7]),
        (&[3, 5], &[], &[3, 5]),
        (&[4, 3, 5], &[5], &[4, 3, 5]),
        (&[1, 5], &[4, 1], &[4, 5]),
        (&[4, 1], &[4, 6], &[4, 6]),
        (&[2, 1, 3, 1], &[5, 1, 4], &[2, 5, 3, 4]),
        (&[2, 1, 3, 1, 2, 1], &[1, 2, 3, 2, 1, 2], &[2, 2, 3, 2, 2, 2]),
        (&[1], &[1, 1], &[1, 1]),
        (&[300, 100], &[300, 1], &[300, 100]),
    ];
    for (a_dims, b_dims, out_dims) in shapes {
        let n = |dims: &[usize]| dims.iter().product::<usize>();
        let a: Vec<f32> = indices(1, n(a_dims), 5).iter().map(|v| v + 1.0).collect();
        let b: Vec<f32> = indices(2, n(b_dims), 5).iter().map(|v| v - 2.0).collect();
        for op in ops.into_iter().chain(comparisons) {
            let mut out = vec![9.0; n(out_dims)];
            binary(op, &a, a_dims, &b, b_dims, &mut out, out_dims);
            let value = |at: &Vec<usize>| combine(op, a[place(at, a_dims)] as f64, b[place(at, b_dims)] as f64);
            let expected: Vec<f64> = positions(out_dims).iter().map(|at| value(at) as f32 as f64).collect();
            assert_eq!(wide(&out), expected, "{op:?} {a_dims:?} {b_dims:?}");
        }
        let mut out = vec![9.0; n(out_dims)];
        select((&b, b_dims), (&a, a_dims), (&[7.0], &[]), &mut out, out_dims);
        let value = |at: &Vec<usize>| if b[place(at, b_dims)] != 0.0 { a[place(at, a_dims)] } else { 7.0 };
        assert_eq!(out, positions(out_dims).iter().map(value).collect::<Vec<_>>());
    }
}

#[test]
fn larger_and_smaller_pass_nan_on() {
    for op in [Binary::Max, Binary::Min] {
        for (a, b) in [(f32::NAN, 1.0), (1.0, f32::NAN)] {
            let mut out = [0.0];
            binary(op, &[a], &[1], &[b], &[1], &mut out, &[1]);
            assert!(out[0].is_nan());
        }
    }
}

#[test]
fn random_fills_have_the_right_moments_for_any_threads() {
    let mut x = vec![0.0f32; 100_001];
    randn(3, 0, &mut x);
    let moment = |p: i32| x.iter().map(|&v| (v as f64).powi(p)).sum::<f64>() / x.len() as f64;
    assert!(moment(1).abs() < 0.01 && (moment(2) - 1.0).abs() < 0.02 && (moment(4) - 3.0).abs() < 0.15);
    uniform(3, 0, &mut x);
    assert!(x.iter().all(|v| (0.0..1.0).contains(v)));
    let mut wide64 = vec![0.0f64; 1001];
    uniform(3, 0, &mut wide64);
    close(&x[..1001], &wide64, 1e-7, "the same numbers in both types");
    same_for_any_threads(100_001, |out| randn(9, 0, out));
    // A part of what a seed draws, from an odd place as from an even one.
    for first in [40usize, 41] {
        let (mut some, mut whole) = ([0.0f32; 101], [0.0f32; 300]);
        for draw in [randn, uniform] {
            draw(5, 0, &mut whole);
            draw(5, first as u64, &mut some);
            assert_eq!(some, whole[first..first + 101]);
        }
    }
}

#[test]
fn gradients_of_a_sum_pass_where_the_result_is_positive() {
    let [y, a, b]: [Vec<f32>; 3] = [1, 2, 3].map(|seed| random(seed, 40_000));
    let mut out = vec![0.0; y.len()];
    sum_relu_grad(&y, &a, &b, &mut out);
    let expected = |i: usize| if y[i] > 0.0 { a[i] + b[i] } else { 0.0 };
    assert!((0..y.len()).all(|i| out[i] == expected(i)));
}
