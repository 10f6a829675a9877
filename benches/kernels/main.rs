//! How fast the kernels are: `cargo bench --bench kernels --profile dev [-- part of a name]`.
use std::time::Instant;

use sslrun::kernels::*;

/// Seconds of one run: the best of several by the clock, or with `BENCH_CPU` set (for a busy machine; Linux) their mean processor
/// time over all threads.
fn best(mut f: impl FnMut()) -> f64 {
    f();
    let (mut best, mut runs, started, used) = (f64::INFINITY, 0.0, Instant::now(), processor_time());
    while started.elapsed().as_secs_f64() < 0.4 {
        let run = Instant::now();
        f();
        best = best.min(run.elapsed().as_secs_f64());
        runs += 1.0;
    }
    if std::env::var_os("BENCH_CPU").is_some() { (processor_time() - used) / runs } else { best }
}

/// Seconds that all threads of this process have run.
fn processor_time() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path.join("schedstat")).ok();
    let first = |text: String| text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok());
    tasks.filter_map(|task| read(task.path()).and_then(first)).sum::<f64>() / 1e9
}

fn filled(seed: u64, n: usize) -> Vec<f32> {
    let mut x = vec![0.0; n];
    uniform(seed, &mut x);
    x
}

/// Sizes: images, side, channels in and out, kernel, stride, padding.
const CONVOLUTIONS: [(&str, [usize; 7]); 16] = [
    ("conv stem 3-16", [64, 32, 3, 16, 3, 1, 1]),
    ("conv 16@32", [64, 32, 16, 16, 3, 1, 1]),
    ("conv 16-32/2", [64, 32, 16, 32, 3, 2, 1]),
    ("conv 16-32/2 1x1", [64, 32, 16, 32, 1, 2, 0]),
    ("conv 32@16", [64, 16, 32, 32, 3, 1, 1]),
    ("conv 64@8", [64, 8, 64, 64, 3, 1, 1]),
    ("conv 128@4", [64, 4, 128, 128, 3, 1, 1]),
    ("conv stem 3-64", [64, 32, 3, 64, 3, 1, 1]),
    ("conv stem 7x7", [4, 224, 3, 64, 7, 2, 3]),
    ("conv 64@32", [64, 32, 64, 64, 3, 1, 1]),
    ("conv 64-128/2", [64, 32, 64, 128, 3, 2, 1]),
    ("conv 128@16", [64, 16, 128, 128, 3, 1, 1]),
    ("conv 128-256/2", [64, 16, 128, 256, 3, 2, 1]),
    ("conv 128-256/2 1x1", [64, 16, 128, 256, 1, 2, 0]),
    ("conv 256@8", [64, 8, 256, 256, 3, 1, 1]),
    ("conv 512@4", [64, 4, 512, 512, 3, 1, 1]),
];

fn convolution(name: &str, [n, side, ci, co, k, stride, padding]: [usize; 7]) {
    let cfg = Conv2d { n, h: side, w: side, ci, co, kh: k, kw: k, stride, padding, groups: 1 };
    let (x, w, dy) = (filled(1, cfg.x_len()), filled(2, cfg.w_len()), filled(3, cfg.y_len()));
    let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
    let rate = |seconds: f64| cfg.flops() as f64 / seconds / 1e9;
    let forward = best(|| conv2d_forward(&cfg, &x, &w, &mut y));
    let input = best(|| conv2d_input_grad(&cfg, &dy, &w, &mut dx));
    let weight = best(|| conv2d_weight_grad(&cfg, &x, &dy, &mut dw));
    println!(
        "{name:20} forward {:6.1} GF/s   dx {:6.1}   dw {:6.1}   ({:.2} ms together)",
        rate(forward),
        rate(input),
        rate(weight),
        (forward + input + weight) * 1e3
    );
}

fn matrices(size: usize) {
    let (a, b, mut c) = (filled(1, size * size), filled(2, size * size), filled(3, size * size));
    let seconds = best(|| gemm(&Gemm::new(1, size, size, size), 1.0, &a, &b, 0.0, &mut c));
    println!("gemm {size:4}            {:6.1} GF/s", 2.0 * (size as f64).powi(3) / seconds / 1e9);
}

/// The maps of a transformer of width 192 on 64 images of 65 tokens, forward and by both sides: rows, inputs, outputs.
fn tokens() {
    for [m, k, n] in [[4160, 192, 576], [4160, 192, 192], [4160, 192, 768], [4160, 768, 192]] {
        let (x, w, dy) = (filled(1, m * k), filled(2, k * n), filled(3, m * n));
        let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
        let rate = |seconds: f64| 2.0 * (m * k * n) as f64 / seconds / 1e9;
        let forward = best(|| gemm(&Gemm::new(1, m, n, k).transpose_b(), 1.0, &x, &w, 0.0, &mut y));
        let input = best(|| gemm(&Gemm::new(1, m, k, n), 1.0, &dy, &w, 0.0, &mut dx));
        let weight = best(|| gemm(&Gemm::new(1, n, k, m).transpose_a(), 1.0, &dy, &x, 0.0, &mut dw));
        println!(
            "tokens {k:4} to {n:4}     forward {:6.1} GF/s   dx {:6.1}   dw {:6.1}",
            rate(forward),
            rate(input),
            rate(weight)
        );
    }
    let a = Attention { n: 64, heads: 3, queries: 65, keys: 65, dim: 64, packed: true };
    let (qkv, dy) = (filled(1, 64 * 65 * 576), filled(2, 64 * 65 * 192));
    let (mut y, mut dx) = (dy.clone(), qkv.clone());
    let forward = best(|| attention(&a, [&qkv; 3], None, &mut y));
    let backward = best(|| attention_input_grad(&a, [&qkv; 3], None, &dy, &mut dx));
    println!("attention            forward {:.2} ms   backward {:.2} ms", forward * 1e3, backward * 1e3);
}

/// Bytes moved a second by something that reads and writes `bytes`.
fn memory(name: &str, bytes: usize, f: impl FnMut()) {
    let seconds = best(f);
    println!("{name:20} {:6.1} GB/s   {:.3} ms", bytes as f64 / seconds / 1e9, seconds * 1e3);
}

fn streams(wanted: &dyn Fn(&str) -> bool) {
    let c = 64;
    let (x, dy, mut y) = (filled(1, c << 16), filled(2, c << 16), filled(3, c << 16));
    let bytes = 4 * x.len();
    let (mut mean, mut var) = (vec![0.0f32; c], vec![0.0f32; c]);
    channel_stats(&x, &mut mean, &mut var);
    let bn = BatchNorm { mean: &mean, var: &var, gamma: Some(&mean), beta: Some(&var), eps: 1e-5 };
    if wanted("batch norm") {
        memory("channel stats", bytes, || channel_stats(&x, &mut [0.0; 64], &mut [0.0; 64]));
        memory("batch norm", 2 * bytes, || batch_norm_relu_forward(&bn, &x, None, true, &mut y));
        memory("batch norm dgamma", 2 * bytes, || {
            batch_norm_relu_param_grad(&bn, &x, &dy, None, &mut [0.0; 64], &mut [0.0; 64])
        });
        memory("batch norm dx", 3 * bytes, || batch_norm_input_grad(&bn, &x, &dy, &mean, &var, &mut y));
    }
    for op in [Unary::Exp, Unary::Log, Unary::Tanh, Unary::Erf, Unary::Gelu, Unary::Relu] {
        if wanted("unary") {
            memory(&format!("unary {op:?}"), 2 * bytes, || unary(op, &x, &mut y));
        }
    }
    if wanted("rows") {
        memory("softmax", 2 * bytes, || softmax(&x, c, &mut y));
        let rows = x.len() / 256;
        let (mut mean, mut rstd) = (vec![0.0; rows], vec![0.0; rows]);
        memory("layer norm", 2 * bytes, || layer_norm_forward(&x, None, None, 1e-5, &mut y, &mut mean, &mut rstd));
        memory("layer norm dx", 3 * bytes, || layer_norm_input_grad(&x, &mean, &rstd, None, &dy, &mut y));
    }
    let dims = [x.len() / c, c];
    if wanted("moving") {
        memory("sum of rows", bytes, || reduce(Reduce::Sum, &x, &dims, &[1], &mut y[..dims[0]]));
        memory("sum of columns", bytes, || reduce(Reduce::Sum, &x, &dims, &[0], &mut y[..c]));
        memory("max of all", bytes, || reduce(Reduce::Max, &x, &dims, &[0, 1], &mut y[..1]));
        memory("add", 3 * bytes, || binary(Binary::Add, &x, &dims, &dy, &dims, &mut y, &dims));
        memory("add a row", 2 * bytes, || binary(Binary::Add, &x, &dims, &dy[..c], &[c], &mut y, &dims));
        memory("transpose", 2 * bytes, || permute(&x, &dims, &[1, 0], &mut y));
    }
}

fn main() {
    let part = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    let wanted = |name: &str| name.contains(&part);
    println!("{} on {} threads", Path::current().name(), rayon::current_num_threads());
    for (name, sizes) in CONVOLUTIONS.iter().filter(|(name, _)| wanted(name)) {
        convolution(name, *sizes);
    }
    for size in [256, 1024] {
        if wanted("gemm") {
            matrices(size);
        }
    }
    if wanted("tokens") {
        tokens();
    }
    streams(&wanted);
}
