//! Convolution of any type, size and grouping by plain loops, whose innermost runs over channels.
use super::Conv2d;
use crate::kernels::elem::Elem;
use crate::kernels::parallel;

/// y = conv(x, w).
pub fn forward<T: Elem>(cfg: &Conv2d, x: &[T], w: &[T], y: &mut [T]) {
    let (ci, co, oh, ow) = (cfg.ci_group(), cfg.co_group(), cfg.out_h(), cfg.out_w());
    let packed = pack(cfg, w, |i, o| i * co + o);
    parallel::chunks(y, ow * cfg.co, |start, y| {
        y.fill(T::ZERO);
        let row = start / (ow * cfg.co);
        let (image, oy) = (row / oh, row % oh);
        for_taps(cfg, |ky, kx, tap| {
            let Some(iy) = input_position(oy, ky, cfg, cfg.h) else { return };
            let x = &x[(image * cfg.h + iy) * cfg.w * cfg.ci..];
            for ox in 0..ow {
                let Some(ix) = input_position(ox, kx, cfg, cfg.w) else { continue };
                for g in 0..cfg.groups {
                    let w = &packed[(g * cfg.taps() + tap) * ci * co..][..ci * co];
                    let x = &x[ix * cfg.ci + g * ci..][..ci];
                    add_products(x, w, &mut y[ox * cfg.co + g * co..][..co]);
                }
            }
        });
    });
}

/// dx = the gradient of the input.
pub fn input_grad<T: Elem>(cfg: &Conv2d, dy: &[T], w: &[T], dx: &mut [T]) {
    let (ci, co, oh, ow) = (cfg.ci_group(), cfg.co_group(), cfg.out_h(), cfg.out_w());
    let packed = pack(cfg, w, |i, o| o * ci + i);
    parallel::chunks(dx, cfg.w * cfg.ci, |start, dx| {
        dx.fill(T::ZERO);
        let row = start / (cfg.w * cfg.ci);
        let (image, iy) = (row / cfg.h, row % cfg.h);
        for_taps(cfg, |ky, kx, tap| {
            let from = iy + cfg.padding;
            let oy = from.wrapping_sub(ky) / cfg.stride;
            if from < ky || !(from - ky).is_multiple_of(cfg.stride) || oy >= oh {
                return;
            }
            let dy = &dy[(image * oh + oy) * ow * cfg.co..];
            for ox in 0..ow {
                let Some(ix) = input_position(ox, kx, cfg, cfg.w) else { continue };
                for g in 0..cfg.groups {
                    let w = &packed[(g * cfg.taps() + tap) * ci * co..][..ci * co];
                    let dy = &dy[ox * cfg.co + g * co..][..co];
                    add_products(dy, w, &mut dx[ix * cfg.ci + g * ci..][..ci]);
                }
            }
        });
    });
}

/// dw = the gradient of the weight: sums over fixed groups of images, added in order.
pub fn weight_grad<T: Elem>(cfg: &Conv2d, x: &[T], dy: &[T], dw: &mut [T]) {
    let (ci, co) = (cfg.ci_group(), cfg.co_group());
    let parts = cfg.n.clamp(1, 8);
    let sums = parallel::map(parts, |part| {
        let mut sum = vec![T::ZERO; dw.len()];
        for image in cfg.n * part / parts..cfg.n * (part + 1) / parts {
            add_image(cfg, x, dy, image, &mut sum);
        }
        sum
    });
    for (o, dw) in dw.chunks_exact_mut(ci * cfg.taps()).enumerate() {
        let (g, o) = (o / co, o % co);
        for i in 0..ci {
            for tap in 0..cfg.taps() {
                let at = ((g * cfg.taps() + tap) * ci + i) * co + o;
                dw[i * cfg.taps() + tap] = sums.iter().map(|sum| sum[at]).sum();
            }
        }
    }
}

/// Adds one image's part of the weight gradient, laid out `[group, tap, in, out]`.
fn add_image<T: Elem>(cfg: &Conv2d, x: &[T], dy: &[T], image: usize, sum: &mut [T]) {
    let (ci, co, oh, ow) = (cfg.ci_group(), cfg.co_group(), cfg.out_h(), cfg.out_w());
    for_taps(cfg, |ky, kx, tap| {
        for oy in 0..oh {
            let Some(iy) = input_position(oy, ky, cfg, cfg.h) else { continue };
            for ox in 0..ow {
                let Some(ix) = input_position(ox, kx, cfg, cfg.w) else { continue };
                let x = &x[((image * cfg.h + iy) * cfg.w + ix) * cfg.ci..][..cfg.ci];
                let dy = &dy[((image * oh + oy) * ow + ox) * cfg.co..][..cfg.co];
                for g in 0..cfg.groups {
                    let sum = &mut sum[(g * cfg.taps() + tap) * ci * co..][..ci * co];
                    for (&v, sum) in x[g * ci..][..ci].iter().zip(sum.chunks_exact_mut(co)) {
                        sum.iter_mut().zip(&dy[g * co..]).for_each(|(s, &d)| *s += v * d);
                    }
                }
            }
        }
    });
}

/// `y[j] += sum of a[i] * w[i][j]`.
fn add_products<T: Elem>(a: &[T], w: &[T], y: &mut [T]) {
    for (&v, w) in a.iter().zip(w.chunks_exact(y.len())) {
        y.iter_mut().zip(w).for_each(|(y, &w)| *y += v * w);
    }
}

fn for_taps(cfg: &Conv2d, mut f: impl FnMut(usize, usize, usize)) {
    for tap in 0..cfg.taps() {
        f(tap / cfg.kw, tap % cfg.kw, tap);
    }
}

/// The input position that tap `k` of output position `o` reads, if it is not padding.
fn input_position(o: usize, k: usize, cfg: &Conv2d, size: usize) -> Option<usize> {
    (o * cfg.stride + k).checked_sub(cfg.padding).filter(|&i| i < size)
}

/// The weight as `[group, tap, place(in, out)]`.
fn pack<T: Elem>(cfg: &Conv2d, w: &[T], place: impl Fn(usize, usize) -> usize) -> Vec<T> {
    let (ci, co) = (cfg.ci_group(), cfg.co_group());
    let mut packed = vec![T::ZERO; w.len()];
    for (at, &v) in w.iter().enumerate() {
        let (tap, i, o) = (at % cfg.taps(), at / cfg.taps() % ci, at / cfg.taps() / ci);
        let (g, o) = (o / co, o % co);
        packed[(g * cfg.taps() + tap) * ci * co + place(i, o)] = v;
    }
    packed
}
