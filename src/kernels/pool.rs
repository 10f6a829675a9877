//! Pooling over `[n, h, w, c]`.
use super::elem::Elem;
use super::parallel;

/// The sizes of a pooling: square windows of `kernel`, every `stride`, with `padding` on all four sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool2d {
    /// Images.
    pub n: usize,
    /// Height of the input.
    pub h: usize,
    /// Width of the input.
    pub w: usize,
    /// Channels.
    pub c: usize,
    /// Height and width of the window.
    pub kernel: usize,
    /// Step of the window, both ways.
    pub stride: usize,
    /// Positions around the input: never the largest, zeros for the mean.
    pub padding: usize,
}

impl Pool2d {
    /// Height of the output.
    pub fn out_h(&self) -> usize {
        (self.h + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Width of the output.
    pub fn out_w(&self) -> usize {
        (self.w + 2 * self.padding - self.kernel) / self.stride + 1
    }

    fn check(&self, x: usize, y: usize) {
        assert!(self.h.min(self.w) + 2 * self.padding >= self.kernel, "the window fits");
        assert!(2 * self.padding <= self.kernel, "the padding is at most half the window");
        let (xs, ys) = (self.h * self.w, self.out_h() * self.out_w());
        assert_eq!((x, y), (self.n * xs * self.c, self.n * ys * self.c), "the sizes are those of {self:?}");
    }

    /// Calls `f(position in the image)` for every input position of the window at `(oy, ox)`, in row-major order.
    fn window(&self, oy: usize, ox: usize, mut f: impl FnMut(usize)) {
        let range = |o: usize, size: usize| {
            let start = o * self.stride;
            start.saturating_sub(self.padding)..(start + self.kernel).saturating_sub(self.padding).min(size)
        };
        for iy in range(oy, self.h) {
            for ix in range(ox, self.w) {
                f(iy * self.w + ix);
            }
        }
    }
}

/// The largest value of each window, or NaN.
pub fn max_pool2d<T: Elem>(cfg: &Pool2d, x: &[T], y: &mut [T]) {
    cfg.check(x.len(), y.len());
    each_output(cfg, x, y, |x, (oy, ox), y| {
        y.fill(-T::INFINITY);
        cfg.window(oy, ox, |at| {
            let x = &x[at * cfg.c..][..cfg.c];
            y.iter_mut().zip(x).for_each(|(y, &v)| *y = super::binary::max(v, *y));
        });
    });
}

/// dx, given x and dy: each dy goes to the first largest value of its window.
pub fn max_pool2d_grad<T: Elem>(cfg: &Pool2d, x: &[T], dy: &[T], dx: &mut [T]) {
    cfg.check(x.len(), dy.len());
    each_image(cfg, dy, dx, |image, dy, dx| {
        let x = &x[image * cfg.h * cfg.w * cfg.c..];
        let (mut best, mut place) = (vec![T::ZERO; cfg.c], vec![0; cfg.c]);
        for (o, dy) in dy.chunks_exact(cfg.c).enumerate() {
            best.fill(-T::INFINITY);
            place.fill(usize::MAX);
            cfg.window(o / cfg.out_w(), o % cfg.out_w(), |at| {
                for ((best, place), &v) in best.iter_mut().zip(&mut place).zip(&x[at * cfg.c..]) {
                    if v > *best || *place == usize::MAX || v.partial_cmp(&v).is_none() {
                        (*best, *place) = (v, at);
                    }
                }
            });
            place.iter().zip(dy).enumerate().for_each(|(c, (&at, &d))| dx[at * cfg.c + c] += d);
        }
    });
}

/// The mean of each window, padding counted as zeros.
pub fn avg_pool2d<T: Elem>(cfg: &Pool2d, x: &[T], y: &mut [T]) {
    cfg.check(x.len(), y.len());
    let scale = T::from_f64(1.0 / (cfg.kernel * cfg.kernel) as f64);
    each_output(cfg, x, y, |x, (oy, ox), y| {
        y.fill(T::ZERO);
        cfg.window(oy, ox, |at| y.iter_mut().zip(&x[at * cfg.c..]).for_each(|(y, &v)| *y += v));
        y.iter_mut().for_each(|y| *y *= scale);
    });
}

/// dx of the mean, given dy.
pub fn avg_pool2d_grad<T: Elem>(cfg: &Pool2d, dy: &[T], dx: &mut [T]) {
    cfg.check(dx.len(), dy.len());
    let scale = T::from_f64(1.0 / (cfg.kernel * cfg.kernel) as f64);
    each_image(cfg, dy, dx, |_, dy, dx| {
        for (o, dy) in dy.chunks_exact(cfg.c).enumerate() {
            cfg.window(o / cfg.out_w(), o % cfg.out_w(), |at| {
                dx[at * cfg.c..][..cfg.c].iter_mut().zip(dy).for_each(|(x, &d)| *x += d * scale);
            });
        }
    });
}

/// Calls `f(image of x, (row, column), channels of y)` for every output position.
fn each_output<T: Elem>(cfg: &Pool2d, x: &[T], y: &mut [T], f: impl Fn(&[T], (usize, usize), &mut [T]) + Sync) {
    let (oh, ow) = (cfg.out_h(), cfg.out_w());
    parallel::rows(y, ow * cfg.c, |first, y| {
        for (i, y) in y.chunks_exact_mut(cfg.c).enumerate() {
            let (row, ox) = (first + i / ow, i % ow);
            f(&x[row / oh * cfg.h * cfg.w * cfg.c..], (row % oh, ox), y);
        }
    });
}

/// Calls `f(image, its dy, its zeroed dx)` for every image.
fn each_image<T: Elem>(cfg: &Pool2d, dy: &[T], dx: &mut [T], f: impl Fn(usize, &[T], &mut [T]) + Sync) {
    let (xs, ys) = (cfg.h * cfg.w * cfg.c, cfg.out_h() * cfg.out_w() * cfg.c);
    parallel::rows(dx, xs, |first, dx| {
        dx.fill(T::ZERO);
        for (i, dx) in dx.chunks_exact_mut(xs).enumerate() {
            f(first + i, &dy[(first + i) * ys..][..ys], dx);
        }
    });
}
