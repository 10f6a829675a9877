//! Products of matrices.
use super::{close, random, same_for_any_threads, wide};
use sslrun::kernels::{Activation, Binary, Elem, Gemm, Linear, Path, Unary, binary, gemm, gemm_on, linear, unary};

fn check<T: Elem>(g: &Gemm, tolerance: f64) {
    let (a, b): (Vec<T>, Vec<T>) = (random(1, g.batch * g.m * g.k), random(2, g.batch * g.k * g.n));
    let c: Vec<T> = random(3, g.batch * g.m * g.n);
    for add in [false, true] {
        let mut expected = if add { wide(&c) } else { vec![0.0; c.len()] };
        for i in 0..g.batch * g.m * g.n {
            let (batch, row, col) = (i / (g.m * g.n), i / g.n % g.m, i % g.n);
            let at = |l: sslrun::kernels::Layout, r: usize, c: usize| batch * l.batch + r * l.row + c * l.col;
            expected[i] += (0..g.k).map(|k| a[at(g.a, row, k)].to_f64() * b[at(g.b, k, col)].to_f64()).sum::<f64>();
        }
        for path in Path::available() {
            let mut out = c.clone();
            gemm_on(path, &Gemm { add, ..*g }, &a, &b, &mut out);
            close(&out, &expected, tolerance, &format!("{g:?}, added: {add}, on {}", path.name()));
        }
    }
}

#[test]
fn products_of_many_shapes() {
    for (batch, m, n, k) in [
        (1, 1, 1, 1),
        (1, 5, 7, 3),
        (3, 17, 33, 9),
        (2, 64, 64, 64),
        (1, 130, 70, 300),
        (7, 1, 20, 30),
        (40, 20, 1, 30),
        (1, 4, 4, 2000),
        (500, 3, 5, 4),
        (2, 3, 4, 0),
        (1, 400, 40, 600),
        (1, 9, 100, 700),
        // B as it lies: whole vectors in rows, few rows of C; and one whose rows are too far apart for that.
        (3, 65, 64, 65),
        (1, 128, 24, 520),
        (1, 9, 512, 30),
        // B in two lots, where it is packed.
        (1, 7, 4200, 300),
    ] {
        let plain = Gemm::new(batch, m, n, k);
        for g in [plain, plain.transpose_a(), plain.transpose_b(), plain.transpose_a().transpose_b()] {
            check::<f32>(&g, 2e-6);
            check::<f64>(&g, 1e-13);
        }
        check::<f32>(&Gemm { b: plain.b.shared(), ..plain }, 2e-6);
    }
}

#[test]
fn products_are_the_same_for_any_threads() {
    for (batch, m, n, k) in
        [(1, 200, 150, 700), (20, 30, 40, 50), (1, 16, 16, 40_000), (1, 1000, 3, 100), (1, 3, 1000, 2000)]
    {
        let (a, b): (Vec<f32>, Vec<f32>) = (random(1, batch * m * k), random(2, batch * k * n));
        let plain = Gemm::new(batch, m, n, k);
        for g in [plain, plain.transpose_a(), plain.transpose_b()] {
            same_for_any_threads(batch * m * n, |out| gemm(&g, &a, &b, out));
        }
    }
}

/// What `linear` computes, one step after the other.
fn apart<T: Elem>(l: &Linear, a: &[T], b: &[T], bias: &[T], residual: Option<&[T]>) -> Vec<T> {
    let dims = [l.m, l.n];
    let (mut y, mut z) = (vec![T::ZERO; l.m * l.n], vec![T::ZERO; l.m * l.n]);
    gemm(&Gemm { a: l.a, b: l.b, ..Gemm::new(1, l.m, l.n, l.k) }, a, b, &mut y);
    binary(Binary::Add, &y, &dims, bias, &dims[1..], &mut z, &dims);
    if let Some(residual) = residual {
        binary(Binary::Add, &z, &dims, residual, &dims, &mut y, &dims);
        std::mem::swap(&mut y, &mut z);
    }
    match l.activation {
        Activation::None => return z,
        Activation::Relu => unary(Unary::Relu, &z, &mut y),
        Activation::Gelu => unary(Unary::Gelu, &z, &mut y),
    }
    y
}

#[test]
fn products_with_what_follows_them() {
    for (m, n, k) in [(1, 1, 1), (9, 5, 7), (130, 70, 0), (3000, 30, 500), (600, 1100, 3)] {
        let (a, b, bias): (Vec<f64>, Vec<f64>, Vec<f64>) = (random(1, m * k), random(2, k * n), random(3, n));
        let residual: Vec<f64> = random(4, m * n);
        let plain = Gemm::new(1, m, n, k);
        for g in [plain, plain.transpose_a(), plain.transpose_b()] {
            for activation in [Activation::None, Activation::Relu, Activation::Gelu] {
                let sizes = Linear { m, n, k, a: g.a, b: g.b, activation };
                for residual in [None, Some(residual.as_slice())] {
                    let mut y = vec![0.0; m * n];
                    linear(&sizes, &a, &b, &bias, residual, &mut y);
                    close(&y, &apart(&sizes, &a, &b, &bias, residual), 1e-13, &format!("{sizes:?}"));
                }
            }
        }
        let narrow = |x: &[f64]| x.iter().map(|&v| v as f32).collect::<Vec<f32>>();
        let ([left, right, row], [rest]) = ([&a, &b, &bias].map(|x| narrow(x)), [narrow(&residual)]);
        let sizes = Linear { m, n, k, a: plain.a, b: plain.b, activation: Activation::Gelu };
        let mut y = vec![0.0; m * n];
        linear(&sizes, &left, &right, &row, Some(&rest), &mut y);
        close(&y, &apart(&sizes, &a, &b, &bias, Some(&residual)), 2e-6, &format!("{sizes:?} in f32"));
        same_for_any_threads(m * n, |out| linear(&sizes, &left, &right, &row, Some(&rest), out));
    }
}
