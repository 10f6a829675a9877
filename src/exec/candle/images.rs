//! Convolution and pooling of channels-last images.

use super::lowering::Lower;
use crate::exec::site::Site;
use crate::graph::Operation;
use crate::graph::ops::conv::Conv;
use crate::graph::ops::window::Window;
use crate::graph::ops::{conv, pool};
use candle_core::{D, Device, Result, Tensor};

/// Every operation of this family.
pub const LOWERINGS: &[(&Operation, Lower)] = &[
    (&conv::CONV2D, |site, x, _| {
        let Conv { stride, padding, groups } = Conv::of(site.attrs);
        let image = x[0].permute((0, 3, 1, 2))?.contiguous()?;
        image.conv2d(&x[1], padding, stride, 1, groups)?.permute((0, 2, 3, 1))
    }),
    (&pool::MAX_POOL, |site, x, _| {
        let windows = windows(site, &x[0], f64::NEG_INFINITY)?;
        let first = windows.detach().argmax_keepdim(D::Minus1)?;
        windows.gather(&first, D::Minus1)?.squeeze(D::Minus1)
    }),
    (&pool::AVG_POOL, |site, x, _| windows(site, &x[0], 0.0)?.mean(D::Minus1)),
];

/// The windows of images `[N, H, W, C]` as `[N, H', W', C, k * k]`, the border filled with a number.
fn windows(site: &Site, x: &Tensor, border: f64) -> Result<Tensor> {
    let Window { kernel, stride, padding } = Window::of(site.attrs);
    let x = bordered(x, padding, border)?;
    let mut parts = Vec::new();
    for offset in 0..kernel * kernel {
        let rows = places(offset / kernel, stride, site.output[1])?;
        let columns = places(offset % kernel, stride, site.output[2])?;
        parts.push(x.index_select(&rows, 1)?.index_select(&columns, 2)?);
    }
    Tensor::stack(&parts, D::Minus1)?.contiguous()
}

/// Every `stride`-th place from `offset`.
fn places(offset: usize, stride: usize, count: usize) -> Result<Tensor> {
    let places: Vec<u32> = (0..count).map(|i| (offset + i * stride) as u32).collect();
    Tensor::from_vec(places, count, &Device::Cpu)
}

fn bordered(x: &Tensor, padding: usize, border: f64) -> Result<Tensor> {
    let pad = |x: &Tensor| x.pad_with_zeros(1, padding, padding)?.pad_with_zeros(2, padding, padding)?.contiguous();
    let inside = pad(&x.detach().ones_like()?)?.ne(0.0)?;
    let wide = pad(x)?;
    let border = Tensor::full(border, wide.dims(), &Device::Cpu)?.to_dtype(x.dtype())?;
    inside.where_cond(&wide, &border)
}
