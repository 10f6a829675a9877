//! Convolution and pooling against naive loops.
use super::{close, random, same_for_any_threads, wide};
use sslrun::kernels::{Conv2d, Elem, Path, Pool2d, conv2d_forward, conv2d_input_grad, conv2d_weight_grad};
use sslrun::kernels::{avg_pool2d, avg_pool2d_grad, max_pool2d, max_pool2d_grad};
use sslrun::kernels::{conv2d_forward_on, conv2d_input_grad_on, conv2d_weight_grad_on};

/// Sizes in the order n, h, w, ci, co, kh, kw, stride, padding, groups.
fn conv(s: [usize; 10]) -> Conv2d {
    let [n, h, w, ci, co, kh, kw, stride, padding, groups] = s;
    Conv2d { n, h, w, ci, co, kh, kw, stride, padding, groups, fast: false }
}

/// Every product of a convolution: (place in x, place in w, place in y).
fn products(c: &Conv2d, mut f: impl FnMut(usize, usize, usize)) {
    let (ci, co) = (c.ci / c.groups, c.co / c.groups);
    for y in 0..c.y_len() {
        let (o, ox, oy, n) =
            (y % c.co, y / c.co % c.out_w(), y / c.co / c.out_w() % c.out_h(), y / c.co / c.out_w() / c.out_h());
        for k in 0..ci * c.kh * c.kw {
            let (kx, ky, i) = (k % c.kw, k / c.kw % c.kh, k / c.kw / c.kh);
            let (iy, ix) = ((oy * c.stride + ky).wrapping_sub(c.padding), (ox * c.stride + kx).wrapping_sub(c.padding));
            if iy < c.h && ix < c.w {
                f(((n * c.h + iy) * c.w + ix) * c.ci + o / co * ci + i, o * ci * c.kh * c.kw + k, y);
            }
        }
    }
}

fn check<T: Elem>(c: &Conv2d, tolerance: f64) {
    let (x, w, dy): (Vec<T>, Vec<T>, Vec<T>) = (random(1, c.x_len()), random(2, c.w_len()), random(3, c.y_len()));
    let (wx, ww, wdy) = (wide(&x), wide(&w), wide(&dy));
    let (mut y, mut dx, mut dw) = (vec![0.0; c.y_len()], vec![0.0; c.x_len()], vec![0.0; c.w_len()]);
    products(c, |i, j, k| {
        y[k] += wx[i] * ww[j];
        dx[i] += wdy[k] * ww[j];
        dw[j] += wdy[k] * wx[i];
    });
    let nine = T::from_f64(9.0);
    for path in Path::available() {
        let mut out = vec![nine; c.y_len()];
        conv2d_forward_on(path, c, &x, &w, &mut out);
        close(&out, &y, tolerance, &format!("forward on {}, {c:?}", path.name()));
        let mut out = vec![nine; c.x_len()];
        conv2d_input_grad_on(path, c, &dy, &w, &mut out);
        close(&out, &dx, tolerance, &format!("input gradient on {}, {c:?}", path.name()));
        let mut out = vec![nine; c.w_len()];
        conv2d_weight_grad_on(path, c, &x, &dy, &mut out);
        close(&out, &dw, tolerance, &format!("weight gradient on {}, {c:?}", path.name()));
    }
}

const SHAPES: [[usize; 10]; 25] = [
    [2, 8, 8, 3, 16, 3, 3, 1, 1, 1],
    [1, 5, 7, 1, 1, 3, 3, 1, 1, 1],
    [3, 9, 6, 5, 7, 3, 3, 2, 1, 1],
    [2, 17, 17, 3, 10, 7, 7, 2, 3, 1],
    [2, 6, 6, 16, 16, 3, 3, 1, 1, 1],
    [2, 33, 33, 16, 32, 3, 3, 2, 1, 1],
    [2, 8, 8, 16, 32, 1, 1, 2, 0, 1],
    [2, 7, 9, 17, 33, 1, 1, 1, 0, 1],
    [20, 4, 4, 32, 48, 3, 3, 1, 1, 1],
    [9, 8, 8, 40, 24, 3, 3, 2, 1, 1],
    [1, 10, 10, 8, 64, 5, 5, 1, 2, 1],
    [1, 12, 12, 4, 65, 4, 4, 4, 0, 1],
    [2, 6, 6, 8, 12, 3, 3, 1, 1, 4],
    [2, 6, 6, 12, 12, 3, 3, 2, 1, 12],
    [1, 6, 6, 4, 6, 3, 2, 1, 0, 1],
    [1, 5, 5, 3, 4, 1, 1, 1, 2, 1],
    [1, 9, 9, 3, 4, 2, 2, 3, 0, 1],
    [17, 2, 2, 24, 20, 3, 3, 1, 1, 1],
    [5, 1, 1, 130, 70, 1, 1, 1, 0, 1],
    [1, 4, 30, 6, 16, 3, 3, 1, 1, 1],
    [15, 8, 8, 16, 16, 3, 3, 1, 1, 1],
    [3, 16, 16, 20, 36, 3, 3, 1, 1, 1],
    [2, 36, 36, 16, 16, 3, 3, 1, 1, 1],
    [1, 13, 18, 64, 48, 3, 3, 1, 1, 1],
    [3, 5, 6, 160, 176, 3, 3, 1, 1, 1],
];

#[test]
fn convolutions_of_many_sizes() {
    for shape in SHAPES {
        check::<f32>(&conv(shape), 3e-6);
        check::<f64>(&conv(shape), 1e-13);
    }
}

/// Sizes that F(4 x 4, 3 x 3) suits: blocks of one image and of several, tiles that reach over the edge, one and two vectors of
/// channels left over, and so many channels that the work goes in stages.
const TILED: [[usize; 10]; 7] = [
    [1, 8, 8, 16, 16, 3, 3, 1, 1, 1],
    [20, 4, 4, 32, 48, 3, 3, 1, 1, 1],
    [2, 13, 18, 64, 48, 3, 3, 1, 1, 1],
    [3, 36, 36, 16, 32, 3, 3, 1, 1, 1],
    [3, 6, 8, 80, 16, 3, 3, 1, 1, 1],
    [3, 8, 6, 160, 176, 3, 3, 1, 1, 1],
    [150, 4, 4, 192, 160, 3, 3, 1, 1, 1],
];

#[test]
fn fast_convolutions_of_many_sizes() {
    for shape in SHAPES.into_iter().chain(TILED) {
        check::<f32>(&Conv2d { fast: true, ..conv(shape) }, 1e-5);
    }
}

#[test]
fn fast_convolution_rounds_twice_as_coarsely() {
    let exact = conv([4, 32, 32, 64, 64, 3, 3, 1, 1, 1]);
    let (x, w): (Vec<f64>, Vec<f64>) = (random(1, exact.x_len()), random(2, exact.w_len()));
    let narrow = |x: &[f64]| x.iter().map(|&v| v as f32).collect::<Vec<f32>>();
    let (x32, w32) = (narrow(&x), narrow(&w));
    let mut truth = vec![0.0; exact.y_len()];
    conv2d_forward(&exact, &wide(&x32), &wide(&w32), &mut truth);
    let error = |c: &Conv2d| {
        let mut y = vec![0.0f32; c.y_len()];
        conv2d_forward(c, &x32, &w32, &mut y);
        let square = |sum: f64, (a, b): (&f32, &f64)| sum + (f64::from(*a) - b).powi(2);
        let norm: f64 = truth.iter().map(|v| v * v).sum();
        (y.iter().zip(&truth).fold(0.0, square) / norm).sqrt()
    };
    let (exact, fast) = (error(&exact), error(&Conv2d { fast: true, ..exact }));
    assert!(exact < 6e-7, "{exact:e}");
    // Were it the very same, Winograd's way would not have been taken.
    assert!(exact != fast && fast < 1.5e-6, "{fast:e} beside {exact:e}");
}

#[test]
fn convolutions_are_the_same_for_any_threads() {
    let direct =
        [[9, 12, 12, 16, 16, 3, 3, 1, 1, 1], [33, 4, 4, 32, 32, 3, 3, 1, 1, 1], [5, 9, 9, 3, 16, 3, 3, 2, 1, 1]];
    let fast = TILED.map(|shape| Conv2d { fast: true, ..conv(shape) });
    for c in direct.map(conv).into_iter().chain(fast) {
        let (x, w, dy): (Vec<f32>, Vec<f32>, Vec<f32>) =
            (random(1, c.x_len()), random(2, c.w_len()), random(3, c.y_len()));
        same_for_any_threads(c.y_len(), |out| conv2d_forward(&c, &x, &w, out));
        same_for_any_threads(c.x_len(), |out| conv2d_input_grad(&c, &dy, &w, out));
        same_for_any_threads(c.w_len(), |out| conv2d_weight_grad(&c, &x, &dy, out));
    }
}

#[test]
fn poolings_of_many_sizes() {
    for (n, h, w, c, kernel, stride, padding) in [
        (2, 8, 8, 16, 2, 2, 0),
        (3, 9, 7, 5, 3, 2, 1),
        (1, 6, 6, 1, 3, 1, 1),
        (2, 5, 5, 17, 2, 3, 0),
        (1, 4, 4, 3, 4, 4, 0),
    ] {
        let cfg = Pool2d { n, h, w, c, kernel, stride, padding };
        let (oh, ow) = (cfg.out_h(), cfg.out_w());
        // Whole numbers, so that there are ties.
        let x: Vec<f32> = random::<f32>(1, n * h * w * c).iter().map(|v| v.round()).collect();
        let dy: Vec<f32> = random(2, n * oh * ow * c);
        let (mut max, mut avg) = (vec![f64::NEG_INFINITY; dy.len()], vec![0.0; dy.len()]);
        let (mut dmax, mut davg) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        for y in 0..dy.len() {
            let (ch, ox, oy, image) = (y % c, y / c % ow, y / c / ow % oh, y / c / ow / oh);
            let mut first = None;
            for k in 0..kernel * kernel {
                let iy = (oy * stride + k / kernel).wrapping_sub(padding);
                let ix = (ox * stride + k % kernel).wrapping_sub(padding);
                if iy < h && ix < w {
                    let at = ((image * h + iy) * w + ix) * c + ch;
                    avg[y] += x[at] as f64 / (kernel * kernel) as f64;
                    davg[at] += dy[y] as f64 / (kernel * kernel) as f64;
                    if x[at] as f64 > max[y] {
                        (max[y], first) = (x[at] as f64, Some(at));
                    }
                }
            }
            dmax[first.expect("a window holds a value")] += dy[y] as f64;
        }
        let (mut y, mut dx) = (vec![9.0f32; dy.len()], vec![9.0f32; x.len()]);
        max_pool2d(&cfg, &x, &mut y);
        close(&y, &max, 0.0, "largest");
        max_pool2d_grad(&cfg, &x, &dy, &mut dx);
        close(&dx, &dmax, 1e-6, "largest, gradient");
        avg_pool2d(&cfg, &x, &mut y);
        close(&y, &avg, 1e-6, "mean");
        avg_pool2d_grad(&cfg, &dy, &mut dx);
        close(&dx, &davg, 1e-6, "mean, gradient");
    }
}
