//! Products of matrices, the maps of a transformer, attention, and linear algebra.

use sslrun::kernels::*;

use crate::{Bench, filled, flops, moved, time};

/// All of these.
pub fn all(bench: &mut Bench) {
    for size in [256, 1024] {
        let (a, b, mut c) = (filled(1, size * size), filled(2, size * size), filled(3, size * size));
        let cfg = Gemm::new(1, size, size, size);
        let run = || gemm(&cfg, &a, &b, &mut c);
        time(bench, "product", &format!("{size} square"), flops(2 * size.pow(3)), run);
    }
    // Of ViT-Tiny on 64 images of 65 tokens, of a masked encoder's 17, and the heads of 64 images.
    for [m, k, n] in [[4160, 192, 576], [4160, 192, 768], [4160, 768, 192], [1088, 192, 768], [64, 512, 2048]] {
        maps(bench, m, k, n);
    }
    for queries in [17, 65, 197] {
        heads(bench, queries);
    }
    algebra(bench);
}

/// A linear map forward and by both sides: rows, inputs, outputs.
fn maps(bench: &mut Bench, m: usize, k: usize, n: usize) {
    let (x, w, dy) = (filled(1, m * k), filled(2, k * n), filled(3, m * n));
    let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
    let (name, work) = (format!("{m} rows {k}-{n}"), || flops(2 * m * k * n));
    let forward = Gemm::new(1, m, n, k).transpose_b();
    time(bench, "linear forward", &name, work(), || gemm(&forward, &x, &w, &mut y));
    let (a, b) = (forward.a, forward.b);
    let sizes = Linear { m, n, k, a, b, activation: Activation::None };
    let bias = filled(4, n);
    time(bench, "linear with bias", &name, work(), || linear(&sizes, &x, &w, &bias, None, &mut y));
    let input = Gemm::new(1, m, k, n);
    time(bench, "linear dx", &name, work(), || gemm(&input, &dy, &w, &mut dx));
    let weight = Gemm::new(1, n, k, m).transpose_a();
    time(bench, "linear dw", &name, work(), || gemm(&weight, &dy, &x, &mut dw));
}

/// Attention of three heads of 64 features. Its work is that of the products: two forward, five backward.
fn heads(bench: &mut Bench, queries: usize) {
    let n = 64 * 65 / queries;
    let a = Attention { n, heads: 3, queries, keys: queries, dim: 64, packed: true };
    let (qkv, dy) = (filled(1, n * queries * 576), filled(2, n * queries * 192));
    let (mut y, mut dx) = (dy.clone(), qkv.clone());
    let product = 2 * n * 3 * queries * queries * 64;
    let name = format!("{queries} tokens");
    time(bench, "attention forward", &name, flops(2 * product), || attention(&a, [&qkv; 3], None, &mut y));
    let backward = || attention_input_grad(&a, [&qkv; 3], None, &dy, &mut dx);
    time(bench, "attention backward", &name, flops(5 * product), backward);
}

fn algebra(bench: &mut Bench) {
    let n = 256;
    let (x, mut a) = (filled(1, 2 * n * n), vec![0.0; n * n]);
    gemm(&Gemm::new(1, n, n, 2 * n).transpose_a(), &x, &x, &mut a);
    let mut l = a.clone();
    time(bench, "algebra", "cholesky 256", flops(n.pow(3) / 3), || {
        cholesky(&a, n, &mut l).expect("a matrix of squares is positive");
    });
    let symmetric: Vec<f64> = a.iter().map(|&x| x.into()).collect();
    // The reduction is most of it; what is copied is little beside it.
    time(bench, "algebra", "eigenvalues 256", flops(4 * n.pow(3) / 3), || {
        symmetric_eigenvalues(&mut symmetric.clone(), n);
    });
    let (rows, columns) = (512, 1024);
    let scores = filled(2, rows * columns);
    let mut codes = scores.clone();
    let sizes =
        Sinkhorn { rows, count: rows, columns, epsilon: 0.05, probabilities: false, iterations: 3, tolerance: None };
    // Each iteration reads the scores for the rows and for the columns; in the end they are read and written.
    time(bench, "algebra", "sinkhorn 512 by 1024", moved((2 * 3 + 2) * scores.len()), || {
        sinkhorn(&sizes, &scores, &mut codes);
    });
}
