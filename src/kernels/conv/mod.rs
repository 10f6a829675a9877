//! Two-dimensional convolution (cross-correlation) and its gradients.

mod direct;

mod taps;
mod weight;
mod windows;
mod winograd;

use super::elem::Elem;
use super::path::Path;
use super::tile::dispatch;

/// The sizes of a convolution: x `[n, h, w, ci]`, w `[co, ci / groups, kh, kw]`, y `[n, out_h, out_w, co]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Images.
    pub n: usize,
    /// Height of the input.
    pub h: usize,
    /// Width of the input.
    pub w: usize,
    /// Channels of the input.
    pub ci: usize,
    /// Channels of the output.
    pub co: usize,
    /// Height of the kernel.
    pub kh: usize,
    /// Width of the kernel.
    pub kw: usize,
    /// Step of the kernel, both ways.
    pub stride: usize,
    /// Zeros around the input, on all four sides.
    pub padding: usize,
    /// Groups of channels that do not mix.
    pub groups: usize,
    /// Whether fewer products, whose rounding is about twice as large, may be taken where that is faster.
    pub fast: bool,
}

impl Conv2d {
    /// Height of the output.
    pub fn out_h(&self) -> usize {
        (self.h + 2 * self.padding - self.kh) / self.stride + 1
    }

    /// Width of the output.
    pub fn out_w(&self) -> usize {
        (self.w + 2 * self.padding - self.kw) / self.stride + 1
    }

    /// Elements of the input.
    pub fn x_len(&self) -> usize {
        self.n * self.h * self.w * self.ci
    }

    /// Elements of the weight.
    pub fn w_len(&self) -> usize {
        self.co * self.ci_group() * self.taps()
    }

    /// Elements of the output.
    pub fn y_len(&self) -> usize {
        self.n * self.out_h() * self.out_w() * self.co
    }

    /// Multiplications and additions of one pass.
    pub fn flops(&self) -> usize {
        2 * self.y_len() * self.ci_group() * self.taps()
    }

    fn taps(&self) -> usize {
        self.kh * self.kw
    }

    fn ci_group(&self) -> usize {
        self.ci / self.groups
    }

    fn co_group(&self) -> usize {
        self.co / self.groups
    }

    /// Whether Winograd's way is taken.
    fn by_tiles(&self) -> bool {
        self.fast && winograd::suits(self)
    }

    fn check(&self, x: usize, w: usize, y: usize) {
        assert!(
            self.ci.is_multiple_of(self.groups) && self.co.is_multiple_of(self.groups),
            "groups divide the channels"
        );
        assert!(self.h + 2 * self.padding >= self.kh && self.w + 2 * self.padding >= self.kw, "the kernel fits");
        assert_eq!((x, w, y), (self.x_len(), self.w_len(), self.y_len()), "the sizes are those of {self:?}");
    }
}

/// y = the convolution of x with w.
pub fn conv2d_forward<T: Elem>(cfg: &Conv2d, x: &[T], w: &[T], y: &mut [T]) {
    conv2d_forward_on(Path::current(), cfg, x, w, y);
}

/// [`conv2d_forward`] by a given path.
pub fn conv2d_forward_on<T: Elem>(path: Path, cfg: &Conv2d, x: &[T], w: &[T], y: &mut [T]) {
    cfg.check(x.len(), w.len(), y.len());
    if cfg.groups == 1
        && let (Some(x), Some(w), Some(y)) = (T::as_f32(x), T::as_f32(w), T::as_f32_mut(y))
    {
        return match cfg.by_tiles() {
            true => dispatch(path, winograd::Winograd::forward(cfg, x, w, y)),
            false => dispatch(path, taps::Taps::forward(cfg, x, w, y)),
        };
    }
    direct::forward(cfg, x, w, y);
}

/// dx = the gradient with respect to x, given dy.
pub fn conv2d_input_grad<T: Elem>(cfg: &Conv2d, dy: &[T], w: &[T], dx: &mut [T]) {
    conv2d_input_grad_on(Path::current(), cfg, dy, w, dx);
}

/// [`conv2d_input_grad`] by a given path.
pub fn conv2d_input_grad_on<T: Elem>(path: Path, cfg: &Conv2d, dy: &[T], w: &[T], dx: &mut [T]) {
    cfg.check(dx.len(), w.len(), dy.len());
    if cfg.groups == 1
        && let (Some(dy), Some(w), Some(dx)) = (T::as_f32(dy), T::as_f32(w), T::as_f32_mut(dx))
    {
        return match cfg.by_tiles() {
            true => dispatch(path, winograd::Winograd::input_grad(cfg, dy, w, dx)),
            false => dispatch(path, taps::Taps::input_grad(cfg, dy, w, dx)),
        };
    }
    direct::input_grad(cfg, dy, w, dx);
}

/// dw = the gradient with respect to w, given dy.
pub fn conv2d_weight_grad<T: Elem>(cfg: &Conv2d, x: &[T], dy: &[T], dw: &mut [T]) {
    conv2d_weight_grad_on(Path::current(), cfg, x, dy, dw);
}

/// [`conv2d_weight_grad`] by a given path.
pub fn conv2d_weight_grad_on<T: Elem>(path: Path, cfg: &Conv2d, x: &[T], dy: &[T], dw: &mut [T]) {
    cfg.check(x.len(), dw.len(), dy.len());
    if cfg.groups == 1
        && let (Some(x), Some(dy), Some(dw)) = (T::as_f32(x), T::as_f32(dy), T::as_f32_mut(dw))
    {
        return match cfg.by_tiles() {
            true => dispatch(path, winograd::WeightGrad { cfg, x, dy, dw }),
            false => dispatch(path, weight::WeightGrad { cfg, x, dy, dw }),
        };
    }
    direct::weight_grad(cfg, x, dy, dw);
}
