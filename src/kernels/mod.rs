//! CPU kernels on plain slices: no graph, no framework.
//!
//! Tensors are contiguous and row-major, activations are `[n, h, w, c]`, and convolution weights `[out, in / groups, kh, kw]`.
//! Every function writes all of the `&mut` slices it is given, unless its sentence says that it adds to them. Functions are generic
//! over [`Elem`] (f32, f64); f32 has vector paths chosen at run time ([`Path`]). Work is split by size alone, so results are the same
//! bits for any number of threads. A size that does not fit its dimensions is a bug of the caller and panics.
//!
//! | kind | functions |
//! |---|---|
//! | one tensor, element by element | [`unary`] |
//! | two or three, with broadcasting | [`binary`], [`select`], [`accumulate`] |
//! | along axes | [`reduce`], [`argmax`], [`argmin`], [`cumsum`], [`argsort`] |
//! | moving | [`permute`], [`slice`], [`pad`], [`concat`], [`broadcast_to`] |
//! | choosing | [`gather`], [`scatter_add`], [`index_select`], [`index_add`] |
//! | random numbers | [`uniform`], [`randn`] |
//! | products of matrices | [`gemm`] |
//!
//! Under way, with these signatures (`Conv2d` and `Pool2d` are plain structs of sizes):
//!
//! ```text
//! conv2d_forward(cfg: &Conv2d, x, w, y)            conv2d_input_grad(cfg, dy, w, dx)       conv2d_weight_grad(cfg, x, dy, dw)
//! channel_stats(x, c, mean, var)                   batch_norm_forward(x, mean, var, gamma: Option<&[T]>, beta: Option<&[T]>, eps: f64, y)
//! batch_norm_param_grad(x, mean, var, eps, dy, dgamma, dbeta)
//! batch_norm_input_grad(x, mean, var, eps, gamma: Option<&[T]>, dy, dgamma, dbeta, dx)     (c is mean.len())
//! layer_norm_forward(x, gamma: Option, beta: Option, eps, y, mean, rstd)                   (rows is mean.len())
//! layer_norm_input_grad(x, mean, rstd, gamma: Option, dy, dx)     layer_norm_param_grad(x, mean, rstd, dy, dgamma, dbeta)
//! softmax(x, c, y)   log_softmax(x, c, y)   logsumexp(x, c, out)   softmax_grad(y, dy, c, dx)   log_softmax_grad(y, dy, c, dx)
//! max_pool2d(cfg: &Pool2d, x, y)  max_pool2d_grad(cfg, x, dy, dx)  avg_pool2d(cfg, x, y)  avg_pool2d_grad(cfg, dy, dx)
//! cholesky(a, n, l) -> Result<(), NotPositive>     triangular_solve(l, b, n, cols, Triangle { lower, transpose }, x)
//! svd(a, m, n, u, s, v)
//! ```

mod binary;
mod copy;
mod elem;
mod fill;
mod gemm;
mod index;
mod math;
mod parallel;
mod path;
mod reduce;
mod scan;
mod strided;
mod unary;

pub use binary::{Binary, accumulate, binary, select};
pub use copy::{broadcast_to, concat, pad, permute, slice};
pub use elem::Elem;
pub use fill::{randn, uniform};
pub use gemm::{Gemm, Layout, gemm};
pub use index::{BadIndex, gather, index_add, index_select, scatter_add};
pub use path::Path;
pub use reduce::{Reduce, reduce};
pub use scan::{argmax, argmin, argsort, cumsum};
pub use unary::{Unary, unary, unary_on};
