//! Normalisations and softmax: values against naive f64, gradients against finite differences in f64, f32 against f64.
use super::{close, random, same_for_any_threads, wide};
use sslrun::kernels::{
    BatchNorm, Elem, batch_norm_forward, batch_norm_input_grad, batch_norm_param_grad, batch_norm_relu_forward,
    batch_norm_relu_input_grad, batch_norm_relu_param_grad, channel_stats, layer_norm_forward, layer_norm_input_grad,
    layer_norm_param_grad, log_softmax, log_softmax_grad, logsumexp, softmax, softmax_grad,
};

const EPS: f64 = 1e-3;

/// The gradient at `x` of `dot(f(x), dy)`.
fn numeric(x: &[f64], dy: &[f64], f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let dot = |y: Vec<f64>| y.iter().zip(dy).map(|(a, b)| a * b).sum::<f64>();
    let h = 1e-5;
    (0..x.len())
        .map(|i| {
            let mut moved = x.to_vec();
            moved[i] += h;
            let up = dot(f(&moved));
            moved[i] -= 2.0 * h;
            (up - dot(f(&moved))) / (2.0 * h)
        })
        .collect()
}

fn narrow(x: &[f64]) -> Vec<f32> {
    x.iter().map(|&v| v as f32).collect()
}

/// Forward with fresh statistics: y, mean, var.
fn bn_forward<T: Elem>(x: &[T], gamma: &[T], beta: &[T], residual: Option<&[T]>, relu: bool) -> [Vec<T>; 3] {
    let c = gamma.len();
    let (mut mean, mut var, mut y) = (vec![T::ZERO; c], vec![T::ZERO; c], vec![T::ZERO; x.len()]);
    channel_stats(x, &mut mean, &mut var);
    let bn = BatchNorm { mean: &mean, var: &var, gamma: Some(gamma), beta: Some(beta), eps: EPS };
    if relu {
        batch_norm_relu_forward(&bn, x, residual, &mut y);
    } else {
        batch_norm_forward(&bn, x, &mut y);
    }
    [y, mean, var]
}

/// dx, dgamma, dbeta.
fn bn_backward<T: Elem>(x: &[T], gamma: &[T], beta: &[T], dy: &[T], relu: bool) -> [Vec<T>; 3] {
    let [_, mean, var] = bn_forward(x, gamma, beta, None, relu);
    let bn = BatchNorm { mean: &mean, var: &var, gamma: Some(gamma), beta: Some(beta), eps: EPS };
    let (mut dg, mut db, mut dx) = (vec![T::ZERO; gamma.len()], vec![T::ZERO; gamma.len()], vec![T::ZERO; x.len()]);
    if relu {
        batch_norm_relu_param_grad(&bn, x, dy, &mut dg, &mut db);
        batch_norm_relu_input_grad(&bn, x.len() / gamma.len(), x, dy, [&dg, &db], &mut dx);
    } else {
        batch_norm_param_grad(&bn, x, dy, &mut dg, &mut db);
        batch_norm_input_grad(&bn, x.len() / gamma.len(), x, dy, [&dg, &db], &mut dx);
    }
    [dx, dg, db]
}

#[test]
fn batch_norm_and_its_gradients() {
    for (rows, c) in [(7, 5), (40, 3), (13, 17), (5, 72)] {
        let x: Vec<f64> = random::<f64>(1, rows * c).iter().map(|v| 2.0 * v + 3.0).collect();
        let (gamma, beta): (Vec<f64>, Vec<f64>) = (random(2, c), random(3, c));
        let dy: Vec<f64> = random(4, rows * c);
        let column = |j: usize| (0..rows).map(move |i| i * c + j);
        let mean: Vec<f64> = (0..c).map(|j| column(j).map(|at| x[at]).sum::<f64>() / rows as f64).collect();
        let square = |j: usize| column(j).map(|at| (x[at] - mean[j]).powi(2)).sum::<f64>();
        let var: Vec<f64> = (0..c).map(|j| square(j) / rows as f64).collect();
        let value = |i: usize| (x[i] - mean[i % c]) / (var[i % c] + EPS).sqrt() * gamma[i % c] + beta[i % c];
        let expected: Vec<f64> = (0..x.len()).map(value).collect();
        let [y, m, v] = bn_forward(&x, &gamma, &beta, None, false);
        close(&y, &expected, 1e-12, "y");
        close(&m, &mean, 1e-12, "mean");
        close(&v, &var, 1e-12, "variance");
        let added: Vec<f64> = expected.iter().zip(&dy).map(|(a, b)| (a + b).max(0.0)).collect();
        close(&bn_forward(&x, &gamma, &beta, Some(&dy), true)[0], &added, 1e-12, "residual and relu");
        for relu in [false, true] {
            let run = |x: &[f64], g: &[f64], b: &[f64]| bn_forward(x, g, b, None, relu)[0].clone();
            let got = bn_backward(&x, &gamma, &beta, &dy, relu);
            close(&got[0], &numeric(&x, &dy, |x| run(x, &gamma, &beta)), 1e-7, "dx");
            close(&got[1], &numeric(&gamma, &dy, |g| run(&x, g, &beta)), 1e-7, "dgamma");
            close(&got[2], &numeric(&beta, &dy, |b| run(&x, &gamma, b)), 1e-7, "dbeta");
            let small = bn_backward(&narrow(&x), &narrow(&gamma), &narrow(&beta), &narrow(&dy), relu);
            for (s, g) in small.iter().zip(&got) {
                close(s, g, 5e-6, "f32");
            }
        }
    }
}

#[test]
fn channel_statistics_survive_a_large_mean_for_any_threads() {
    let x: Vec<f32> = random::<f32>(1, 20_000 * 16).iter().map(|v| v + 1000.0).collect();
    let (mut mean, mut var) = (vec![0.0f32; 16], vec![0.0f32; 16]);
    channel_stats(&x, &mut mean, &mut var);
    let (mut wide_mean, mut wide_var) = (vec![0.0f64; 16], vec![0.0f64; 16]);
    channel_stats(&wide(&x), &mut wide_mean, &mut wide_var);
    close(&mean, &wide_mean, 1e-7, "mean");
    close(&var, &wide_var, 1e-5, "variance");
    same_for_any_threads(16, |out| channel_stats(&x, &mut [0.0; 16], out));
    let bn = BatchNorm { mean: &mean, var: &var, gamma: None, beta: None, eps: EPS };
    same_for_any_threads(16, |out| batch_norm_param_grad(&bn, &x, &x, &mut [0.0; 16], out));
    same_for_any_threads(x.len(), |out| batch_norm_input_grad(&bn, x.len() / 16, &x, &x, [&mean, &var], out));
    same_for_any_threads(x.len(), |out| batch_norm_forward(&bn, &x, out));
}

#[test]
fn layer_norm_and_its_gradients() {
    for (rows, c) in [(6, 5), (3, 40), (130, 7), (2, 192)] {
        let x: Vec<f64> = random::<f64>(1, rows * c).iter().map(|v| 2.0 * v + 3.0).collect();
        let (gamma, beta, dy): (Vec<f64>, Vec<f64>, Vec<f64>) = (random(2, c), random(3, c), random(4, rows * c));
        let run = |x: &[f64], g: &[f64], b: &[f64]| {
            let row = |x: &[f64]| {
                let mean = x.iter().sum::<f64>() / c as f64;
                let var = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / c as f64;
                (0..c).map(|i| (x[i] - mean) / (var + EPS).sqrt() * g[i] + b[i]).collect::<Vec<_>>()
            };
            x.chunks(c).flat_map(row).collect::<Vec<f64>>()
        };
        let got = layer_norm(&x, &gamma, &beta, &dy);
        close(&got[0], &run(&x, &gamma, &beta), 1e-12, "y");
        close(&got[1], &numeric(&x, &dy, |x| run(x, &gamma, &beta)), 1e-7, "dx");
        close(&got[2], &numeric(&gamma, &dy, |g| run(&x, g, &beta)), 1e-7, "dgamma");
        close(&got[3], &numeric(&beta, &dy, |b| run(&x, &gamma, b)), 1e-7, "dbeta");
        let small = layer_norm(&narrow(&x), &narrow(&gamma), &narrow(&beta), &narrow(&dy));
        for (s, g) in small.iter().zip(&got) {
            close(s, g, 5e-6, "f32");
        }
    }
}

/// y, dx, dgamma, dbeta.
fn layer_norm<T: Elem>(x: &[T], gamma: &[T], beta: &[T], dy: &[T]) -> [Vec<T>; 4] {
    let c = gamma.len();
    let zeros = |n: usize| vec![T::ZERO; n];
    let (mut y, mut dx, mut dg, mut db) = (zeros(x.len()), zeros(x.len()), zeros(c), zeros(c));
    layer_norm_forward(x, c, Some([gamma, beta]), EPS, &mut y);
    layer_norm_input_grad(x, c, Some(gamma), EPS, dy, &mut dx);
    layer_norm_param_grad(x, EPS, dy, &mut dg, &mut db);
    [y, dx, dg, db]
}

#[test]
fn softmax_and_relatives() {
    for (rows, c) in [(4, 3), (3, 50), (200, 100)] {
        let x: Vec<f64> = random::<f64>(1, rows * c).iter().map(|v| 5.0 * v).collect();
        let dy: Vec<f64> = random(2, rows * c);
        let total = |row: &[f64]| row.iter().map(|v| v.exp()).sum::<f64>().ln();
        let totals: Vec<f64> = x.chunks(c).map(total).collect();
        let logs: Vec<f64> = x.iter().enumerate().map(|(i, v)| v - totals[i / c]).collect();
        let shares: Vec<f64> = logs.iter().map(|v| v.exp()).collect();
        let all = soft(&x, &dy, c);
        close(&all[0], &shares, 1e-12, "softmax");
        close(&all[1], &logs, 1e-12, "log softmax");
        close(&all[2], &totals, 1e-12, "logsumexp");
        if rows * c < 1000 {
            let run = |f: fn(&[f64], usize, &mut [f64])| {
                numeric(&x, &dy, |x| {
                    let mut y = vec![0.0; x.len()];
                    f(x, c, &mut y);
                    y
                })
            };
            close(&all[3], &run(softmax::<f64>), 1e-7, "softmax gradient");
            close(&all[4], &run(log_softmax::<f64>), 1e-7, "log softmax gradient");
        }
        for (small, wide) in soft(&narrow(&x), &narrow(&dy), c).iter().zip(&all) {
            close(small, wide, 5e-6, "f32");
        }
    }
}

/// Softmax, log softmax, logsumexp, and the gradients of the first two.
fn soft<T: Elem>(x: &[T], dy: &[T], c: usize) -> [Vec<T>; 5] {
    let mut out: [Vec<T>; 5] = std::array::from_fn(|i| vec![T::ZERO; if i == 2 { x.len() / c } else { x.len() }]);
    softmax(x, c, &mut out[0]);
    log_softmax(x, c, &mut out[1]);
    logsumexp(x, c, &mut out[2]);
    let (y, logs) = (out[0].clone(), out[1].clone());
    softmax_grad(&y, dy, c, &mut out[3]);
    log_softmax_grad(&logs, dy, c, &mut out[4]);
    out
}

#[test]
fn softmax_of_extremes() {
    let mut y = [0.0f32; 3];
    softmax(&[1e30, 0.0, f32::NEG_INFINITY], 3, &mut y);
    assert_eq!(y, [1.0, 0.0, 0.0]);
    log_softmax(&[1e30, 1e30, -1e30], 3, &mut y);
    assert!(y[0].is_finite() && y[2] == -2e30);
}
