//! What is bound by memory: normalisations, functions of each element, sums, moves, updates of parameters.

use sslrun::kernels::*;
use sslrun::optim::{AdamW, Optimizer, Sgd, StepInfo, by_stretches, ema_update};

use crate::{Bench, filled, moved, time};

/// Channels of the tensors, 4 million numbers each.
const C: usize = 64;

/// All of these, on tensors that are read and written once where possible.
pub fn all(bench: &mut Bench) {
    let (x, dy, mut y) = (filled(1, C << 16), filled(2, C << 16), filled(3, C << 16));
    normalisation(bench, &x, &dy, &mut y);
    rows(bench, &x, &dy, &mut y);
    elements(bench, &x, &dy, &mut y);
    moves(bench, &x, &mut y);
    updates(bench, &x, &dy, &mut y);
}

fn normalisation(bench: &mut Bench, x: &[f32], dy: &[f32], y: &mut [f32]) {
    let (n, family) = (x.len(), "batch norm");
    let (mut mean, mut var) = (vec![0.0; C], vec![0.0; C]);
    time(bench, family, "statistics", moved(n), || channel_stats(x, &mut mean, &mut var));
    let bn = BatchNorm { mean: &mean, var: &var, gamma: Some(&mean), beta: Some(&var), eps: 1e-5 };
    time(bench, family, "forward, relu", moved(2 * n), || batch_norm_relu_forward(&bn, x, None, y));
    let (mut dgamma, mut dbeta) = (vec![0.0; C], vec![0.0; C]);
    time(bench, family, "dgamma", moved(2 * n), || batch_norm_param_grad(&bn, x, dy, &mut dgamma, &mut dbeta));
    time(bench, family, "dgamma, relu", moved(2 * n), || {
        batch_norm_relu_param_grad(&bn, x, dy, &mut dgamma, &mut dbeta);
    });
    time(bench, family, "dx", moved(3 * n), || batch_norm_input_grad(&bn, n / C, x, dy, [&mean, &var], y));
    time(bench, family, "dx, relu", moved(3 * n), || batch_norm_relu_input_grad(&bn, n / C, x, dy, [&mean, &var], y));
}

/// Of 256 numbers each, and of very many.
fn rows(bench: &mut Bench, x: &[f32], dy: &[f32], y: &mut [f32]) {
    let (n, family) = (x.len(), "layer norm");
    time(bench, family, "forward", moved(2 * n), || layer_norm_forward(x, 256, None, 1e-5, y));
    time(bench, family, "dx", moved(3 * n), || layer_norm_input_grad(x, 256, None, 1e-5, dy, y));
    let (mut dgamma, mut dbeta) = (vec![0.0; 256], vec![0.0; 256]);
    time(bench, family, "dgamma", moved(2 * n), || layer_norm_param_grad(x, 1e-5, dy, &mut dgamma, &mut dbeta));
    for width in [C, 1 << 16] {
        let name = |what: &str| format!("{what} of {width}");
        time(bench, "softmax", &name("forward"), moved(2 * n), || softmax(x, width, y));
        time(bench, "softmax", &name("log"), moved(2 * n), || log_softmax(x, width, y));
        time(bench, "softmax", &name("dx"), moved(3 * n), || softmax_grad(x, dy, width, y));
    }
}

fn elements(bench: &mut Bench, x: &[f32], dy: &[f32], y: &mut [f32]) {
    let n = x.len();
    for op in [Unary::Exp, Unary::Log, Unary::Tanh, Unary::Erf, Unary::Gelu, Unary::Relu] {
        let name = format!("{op:?}").to_lowercase();
        time(bench, "unary", &name, moved(2 * n), || unary(op, x, y));
    }
    let dims = [n / C, C];
    time(bench, "binary", "add", moved(3 * n), || binary(Binary::Add, x, &dims, dy, &dims, y, &dims));
    time(bench, "binary", "add a row", moved(2 * n), || binary(Binary::Add, x, &dims, &dy[..C], &[C], y, &dims));
    time(bench, "reduce", "sums of rows", moved(n), || reduce(Reduce::Sum, x, &dims, &[1], &mut y[..dims[0]]));
    time(bench, "reduce", "sums of columns", moved(n), || reduce(Reduce::Sum, x, &dims, &[0], &mut y[..C]));
    time(bench, "reduce", "maximum of all", moved(n), || reduce(Reduce::Max, x, &dims, &[0, 1], &mut y[..1]));
}

fn moves(bench: &mut Bench, x: &[f32], y: &mut [f32]) {
    let n = x.len();
    let dims = [n / C, C];
    time(bench, "moving", "transpose", moved(2 * n), || permute(x, &dims, &[1, 0], y));
    let half = [n / C / 2, C];
    let (a, b) = x.split_at(n / 2);
    time(bench, "moving", "concat of columns", moved(2 * n), || concat(&[(a, &half), (b, &half)], 1, y));
    // A quarter of the patches of each image, and back.
    let cfg = Rows { rows: 64, width: 192, count: 16 };
    let images = n / (64 * 192);
    let index: Vec<f32> = (0..images * 16).map(|i| ((i * 37) % 64) as f32).collect();
    let whole = images * 64 * 192;
    let part = whole / 4;
    time(bench, "choosing", "take rows", moved(2 * part), || {
        take_rows(&cfg, &x[..whole], &index, &mut y[..part]).expect("indices are below 64");
    });
    time(bench, "choosing", "place rows", moved(part + whole), || {
        place_rows(&cfg, &x[..part], &index, &mut y[..whole]).expect("indices are below 64");
    });
}

fn updates(bench: &mut Bench, x: &[f32], grad: &[f32], y: &mut [f32]) {
    let n = x.len();
    let step = StepInfo { lr: 1e-3, weight_decay: 0.05, step: 1, grad_scale: 1.0, trust: 1.0 };
    let (mut first, mut second) = (vec![0.0; n], vec![0.0; n]);
    let adamw = AdamW { betas: [0.9, 0.999], eps: 1e-8 };
    time(bench, "update", "adamw", moved(7 * n), || {
        by_stretches(vec![&mut *y, &mut first, &mut second], grad, |mut all, grad| {
            let (y, slots) = all.split_at_mut(1);
            adamw.update(step, y[0], grad, slots);
        });
    });
    let sgd = Sgd { momentum: 0.9, nesterov: false };
    time(bench, "update", "sgd", moved(5 * n), || {
        by_stretches(vec![&mut *y, &mut first], grad, |mut all, grad| {
            let (y, slots) = all.split_at_mut(1);
            sgd.update(step, y[0], grad, slots);
        });
    });
    time(bench, "update", "average", moved(3 * n), || {
        by_stretches(vec![&mut *y], x, |mut all, x| ema_update(all[0], x, 0.99));
    });
}
