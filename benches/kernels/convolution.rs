//! Convolutions of residual networks, in all three directions. Their work is that of the direct method, also where a kernel needs
//! fewer multiplications: shares above 100 % are possible.

use sslrun::kernels::*;

use crate::{Bench, filled, flops, moved, time};

/// Images, side, channels in and out, kernel, stride.
const SIZES: [(&str, [usize; 6]); 19] = [
    ("stem 3-64", [64, 32, 3, 64, 3, 1]),
    ("stem 7x7 3-64/2", [16, 96, 3, 64, 7, 2]),
    ("16@32", [64, 32, 16, 16, 3, 1]),
    ("32@16", [64, 16, 32, 32, 3, 1]),
    ("64@32", [64, 32, 64, 64, 3, 1]),
    ("64-128/2", [64, 32, 64, 128, 3, 2]),
    ("64-128/2 1x1", [64, 32, 64, 128, 1, 2]),
    ("128@16", [64, 16, 128, 128, 3, 1]),
    ("128-256/2", [64, 16, 128, 256, 3, 2]),
    ("256@8", [64, 8, 256, 256, 3, 1]),
    ("256-512/2", [64, 8, 256, 512, 3, 2]),
    ("512@4", [64, 4, 512, 512, 3, 1]),
    ("64@24", [16, 24, 64, 64, 3, 1]),
    ("64-256@24 1x1", [16, 24, 64, 256, 1, 1]),
    ("256-64@24 1x1", [16, 24, 256, 64, 1, 1]),
    ("512-128@12 1x1", [16, 12, 512, 128, 1, 1]),
    ("1024-256@6 1x1", [16, 6, 1024, 256, 1, 1]),
    ("256@6", [16, 6, 256, 256, 3, 1]),
    ("512@3", [16, 3, 512, 512, 3, 1]),
];

/// Convolutions and poolings.
pub fn all(bench: &mut Bench) {
    for (name, sizes) in SIZES {
        convolution(bench, name, sizes);
    }
    pooling(bench);
}

fn convolution(bench: &mut Bench, name: &str, [n, side, ci, co, k, stride]: [usize; 6]) {
    let cfg = Conv2d { n, h: side, w: side, ci, co, kh: k, kw: k, stride, padding: k / 2, groups: 1, fast: true };
    let (x, w, dy) = (filled(1, cfg.x_len()), filled(2, cfg.w_len()), filled(3, cfg.y_len()));
    let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
    let work = || flops(cfg.flops());
    time(bench, "convolution forward", name, work(), || conv2d_forward(&cfg, &x, &w, &mut y));
    time(bench, "convolution dx", name, work(), || conv2d_input_grad(&cfg, &dy, &w, &mut dx));
    time(bench, "convolution dw", name, work(), || conv2d_weight_grad(&cfg, &x, &dy, &mut dw));
}

fn pooling(bench: &mut Bench) {
    let cfg = Pool2d { n: 16, h: 48, w: 48, c: 64, kernel: 3, stride: 2, padding: 1 };
    let x = filled(1, cfg.n * cfg.h * cfg.w * cfg.c);
    let dy = filled(2, cfg.n * cfg.out_h() * cfg.out_w() * cfg.c);
    let (mut y, mut dx) = (dy.clone(), x.clone());
    let work = || moved(x.len() + dy.len());
    time(bench, "pooling", "max 3x3/2", work(), || max_pool2d(&cfg, &x, &mut y));
    time(bench, "pooling", "max 3x3/2 dx", work(), || max_pool2d_grad(&cfg, &x, &dy, &mut dx));
    time(bench, "pooling", "average 3x3/2", work(), || avg_pool2d(&cfg, &x, &mut y));
    time(bench, "pooling", "average 3x3/2 dx", work(), || avg_pool2d_grad(&cfg, &dy, &mut dx));
}
