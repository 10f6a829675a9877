//! Convolution and pooling of channels-last images.

use super::lowering::{Kernel, Lowering, Site};
use crate::exec::Real;
use crate::graph::ops::conv::Conv;
use crate::graph::ops::window::Window;
use crate::graph::ops::{conv, pool};
use crate::kernels::{self, Conv2d, Pool2d};

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        (&conv::CONV2D, |site| {
            let sizes = conv(site, site.inputs[0], site.inputs[1]);
            Kernel::whole(move |x, y| kernels::conv2d_forward(&sizes, x[0], x[1], y))
        }),
        (&conv::CONV2D_INPUT_GRAD, |site| {
            let sizes = conv(site, site.output, site.inputs[1]);
            Kernel::whole(move |x, dx| kernels::conv2d_input_grad(&sizes, x[0], x[1], dx))
        }),
        (&conv::CONV2D_WEIGHT_GRAD, |site| {
            let sizes = conv(site, site.inputs[0], site.output);
            Kernel::whole(move |x, dw| kernels::conv2d_weight_grad(&sizes, x[0], x[1], dw))
        }),
        (&pool::MAX_POOL, |site| {
            let sizes = pool(site, site.inputs[0]);
            Kernel::whole(move |x, y| kernels::max_pool2d(&sizes, x[0], y))
        }),
        (&pool::MAX_POOL_GRAD, |site| {
            let sizes = pool(site, site.inputs[0]);
            Kernel::whole(move |x, dx| kernels::max_pool2d_grad(&sizes, x[0], x[1], dx))
        }),
        (&pool::AVG_POOL, |site| {
            let sizes = pool(site, site.inputs[0]);
            Kernel::whole(move |x, y| kernels::avg_pool2d(&sizes, x[0], y))
        }),
        (&pool::AVG_POOL_GRAD, |site| {
            let sizes = pool(site, site.output);
            Kernel::whole(move |x, dx| kernels::avg_pool2d_grad(&sizes, x[0], dx))
        }),
    ]
}

/// The sizes of a convolution of images with filters.
fn conv(site: &Site, image: &[usize], filters: &[usize]) -> Conv2d {
    let Conv { stride, padding, groups } = Conv::of(site.attrs);
    let (n, h, w, ci) = (image[0], image[1], image[2], image[3]);
    let (co, kh, kw) = (filters[0], filters[2], filters[3]);
    Conv2d { n, h, w, ci, co, kh, kw, stride, padding, groups, fast: site.fast_convolution }
}

/// The sizes of a pooling of images.
fn pool(site: &Site, image: &[usize]) -> Pool2d {
    let Window { kernel, stride, padding } = Window::of(site.attrs);
    Pool2d { n: image[0], h: image[1], w: image[2], c: image[3], kernel, stride, padding }
}
