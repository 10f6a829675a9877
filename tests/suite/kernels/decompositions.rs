//! Cholesky, triangular systems, singular values, eigenvalues.
use super::{close, random};
use crate::fixtures::{Fixture, assert_close};
use sslrun::kernels::{
    Eigen, Gemm, Triangle, cholesky, gemm, svd, symmetric_eigen, symmetric_eigenvalues, triangular_solve,
};

#[test]
fn a_factor_gives_its_matrix_back_and_solves() {
    let (batch, n, cols) = (3, 9, 4);
    let b: Vec<f64> = random(1, batch * n * n);
    let mut a = vec![0.0; b.len()];
    let square = Gemm::new(batch, n, n, n).transpose_b();
    gemm(&square, &b, &b, &mut a);
    let mut l = vec![9.0; a.len()];
    cholesky(&a, n, &mut l).expect("B Bᵀ is positive definite");
    assert!((0..l.len()).all(|i| i % n <= i / n % n || l[i] == 0.0));
    let mut back = vec![0.0; a.len()];
    gemm(&square, &l, &l, &mut back);
    close(&back, &a, 1e-12, "L Lᵀ");
    let right: Vec<f64> = random(2, batch * n * cols);
    let mut upper = vec![0.0; l.len()];
    sslrun::kernels::permute(&l, &[batch, n, n], &[0, 2, 1], &mut upper);
    for (lower, transpose) in [(true, false), (true, true), (false, false), (false, true)] {
        let matrix = if lower { &l } else { &upper };
        let mut x = vec![0.0; right.len()];
        triangular_solve(matrix, &right, n, cols, Triangle { lower, transpose }, &mut x);
        let product = Gemm::new(batch, n, cols, n);
        let product = if transpose { product.transpose_a() } else { product };
        let mut back = vec![0.0; right.len()];
        gemm(&product, matrix, &x, &mut back);
        close(&back, &right, 1e-8, "op(L) x");
    }
}

#[test]
fn an_indefinite_matrix_is_named() {
    let error = cholesky(&[1.0f32, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 1.0], 2, &mut [0.0; 8]).expect_err("indefinite");
    assert_eq!((error.matrix, error.pivot), (1, 1));
    assert!(cholesky(&[f32::NAN], 1, &mut [0.0]).is_err());
}

#[test]
fn singular_values_rebuild_the_matrix() {
    for (m, n, rank) in [(5, 5, 5), (8, 3, 3), (3, 8, 3), (6, 5, 2), (1, 1, 1), (4, 4, 0)] {
        let (p, q): (Vec<f64>, Vec<f64>) = (random(1, m * rank), random(2, rank * n));
        let mut a = vec![0.0; m * n];
        gemm(&Gemm::new(1, m, n, rank), &p, &q, &mut a);
        let k = m.min(n);
        let (mut u, mut s, mut v) = (vec![9.0; m * k], vec![9.0; k], vec![9.0; n * k]);
        svd(&a, m, n, &mut u, &mut s, &mut v);
        assert!(s.is_sorted_by(|a, b| a >= b) && s.iter().all(|&v| v >= 0.0));
        assert!(s[rank.min(k)..].iter().all(|&v| v < 1e-12));
        let scaled: Vec<f64> = u.iter().enumerate().map(|(i, v)| v * s[i % k]).collect();
        let mut back = vec![0.0; m * n];
        gemm(&Gemm::new(1, m, n, k).transpose_b(), &scaled, &v, &mut back);
        assert!(back.iter().zip(&a).all(|(b, a)| (a - b).abs() < 1e-12), "{m} x {n}");
        let unit: Vec<f64> = (0..k * k).map(|i| f64::from(u8::from(i / k == i % k))).collect();
        for (basis, rows) in [(&u, m), (&v, n)] {
            let mut gram = vec![0.0; k * k];
            gemm(&Gemm::new(1, k, k, rows).transpose_a(), basis, basis, &mut gram);
            close(&gram, &unit, 1e-12, "orthonormal");
        }
    }
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
fn eigenvectors_are_orthogonal_and_solve_their_equation() {
    // Random, of rank 20, of many equal eigenvalues, and of parts that do not touch.
    for (n, kind) in [(1, 0), (2, 0), (33, 0), (300, 0), (200, 1), (70, 2), (65, 3)] {
        let (noise, rank) = (random::<f64>(n as u64, n * n), if kind == 1 { 20 } else { n });
        let factor = |i: usize, k: usize| noise[i * n + k];
        let product = |i: usize, j: usize| (0..rank).map(|k| factor(i, k) * factor(j, k)).sum::<f64>();
        let matrix: Vec<f64> = (0..n * n)
            .map(|at| match (kind, at / n, at % n) {
                (2, i, j) => f64::from(u8::from(i == j)) + f64::from(u8::from(i < 3 && j < 3)),
                (3, i, j) if i % 3 != j % 3 => 0.0,
                (_, i, j) => product(i, j),
            })
            .collect();
        let all = symmetric_eigenvalues(&mut matrix.clone(), n);
        let Eigen { values, vectors } = symmetric_eigen(&mut matrix.clone(), n, 1e-9);
        let kept: Vec<f64> = all.iter().rev().copied().take_while(|l| *l >= 1e-9 * all[n - 1]).collect();
        assert_eq!(values.len(), kept.len(), "{n} {kind}");
        assert!(kind != 1 || kept.len() == 20);
        let size = all[n - 1];
        assert!(values.iter().zip(&kept).all(|(a, b)| (a - b).abs() < 1e-12 * size));
        for (l, v) in values.iter().zip(vectors.chunks_exact(n)) {
            let image = |i: usize| matrix[i * n..(i + 1) * n].iter().zip(v).map(|(a, v)| a * v).sum::<f64>();
            assert!((0..n).all(|i| (image(i) - l * v[i]).abs() < 1e-12 * size), "{n} {kind}");
        }
        for (i, a) in vectors.chunks_exact(n).enumerate() {
            for (j, b) in vectors.chunks_exact(n).enumerate() {
                let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12, "{n} {kind}");
            }
        }
    }
    assert!(symmetric_eigen(&mut [f64::NAN; 9], 3, 0.0).values.is_empty());
    assert!(symmetric_eigen(&mut [0.0; 9], 3, 0.0).values.is_empty());
}
