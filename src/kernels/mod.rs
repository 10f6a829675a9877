//! CPU kernels on plain slices: no graph, no framework.
//!
//! Tensors are contiguous and row-major, activations are `[n, h, w, c]`, and convolution weights `[out, in / groups, kh, kw]`.
//! Every function writes all of the `&mut` slices it is given, unless its sentence says that it adds to them. Functions are generic
//! over [`Elem`] (f32, f64); f32 has vector paths chosen at run time ([`Path`]). Work is split by size alone, so results are the same
//! bits for any number of threads. A size that does not fit its dimensions is a bug of the caller and panics.
//!
//! | kind | functions |
//! |---|---|
//! | one tensor, element by element | [`unary`], [`gelu_grad`] |
//! | two or three, with broadcasting | [`binary`], [`select`], [`sum_relu_grad`] |
//! | along axes | [`reduce`], [`argmax`], [`cumsum`], [`argsort`] |
//! | moving | [`permute`], [`slice()`], [`pad`], [`concat()`], [`broadcast_to`] |
//! | choosing | [`gather`], [`scatter_add`], [`take_rows`], [`place_rows`] |
//! | random numbers | [`uniform`], [`randn`] |
//! | products of matrices (with what follows) | [`gemm`], [`linear()`] |
//! | products of views of matrices, to be shared out by who asks for them | [`product()`], [`multiply`], [`Gram`] |
//! | convolution | [`conv2d_forward`], [`conv2d_input_grad`], [`conv2d_weight_grad`] |
//! | pooling | [`max_pool2d`], [`max_pool2d_grad`], [`avg_pool2d`], [`avg_pool2d_grad`] |
//! | batch normalisation (with ReLU) | [`channel_stats`], [`batch_norm_forward`], [`batch_norm_param_grad`], [`batch_norm_input_grad`] |
//! | layer normalisation | [`layer_norm_forward`], [`layer_norm_input_grad`], [`layer_norm_param_grad`] |
//! | softmax | [`softmax`], [`log_softmax`], [`logsumexp`], [`softmax_grad`], [`log_softmax_grad`] |
//! | attention | [`attention()`], [`attention_input_grad`], [`attention_bias_grad`] |
//! | assignment to prototypes | [`sinkhorn`], [`kmeans`] |
//! | linear algebra | [`cholesky`], [`triangular_solve`], [`svd`], [`symmetric_eigen`], [`symmetric_eigenvalues`] |

mod attention;
mod batch_norm;
mod binary;
mod columns;
mod conv;
mod copy;
mod eigen;
mod elem;
mod fill;
mod finite;
mod gemm;
mod gram;
mod index;
mod kmeans;
mod labels;
mod layer_norm;
mod linalg;
mod linear;
mod math;
mod matrix;
mod panels;
mod parallel;
mod pool;
mod product;
mod reduce;
mod scan;
mod scratch;
mod sinkhorn;
mod softmax;
mod strided;
mod svd;
mod tile;
mod unary;

use crate::simd as path;

pub use attention::{Attention, attention, attention_bias_grad, attention_input_grad};
pub use batch_norm::{
    BatchNorm, batch_norm_forward, batch_norm_input_grad, batch_norm_param_grad, batch_norm_relu_forward,
    batch_norm_relu_input_grad, batch_norm_relu_param_grad, channel_stats,
};
pub use binary::{Binary, binary, select, sum_relu_grad};
pub use conv::{
    Conv2d, conv2d_forward, conv2d_forward_on, conv2d_input_grad, conv2d_input_grad_on, conv2d_weight_grad,
    conv2d_weight_grad_on,
};
pub use copy::{broadcast_to, concat, pad, permute, slice};
pub use eigen::{Eigen, symmetric_eigen, symmetric_eigenvalues};
pub use elem::Elem;
pub use fill::{randn, uniform};
pub use finite::finite;
pub use gemm::{Gemm, Layout, gemm, gemm_on};
pub use gram::Gram;
pub use index::{BadIndex, Rows, check_indices, gather, place_rows, scatter_add, take_rows};
pub use kmeans::{kmeans, kmeans_start};
pub use labels::{BadLabel, class_labels};
pub use layer_norm::{layer_norm_forward, layer_norm_input_grad, layer_norm_param_grad};
pub use linalg::{NotPositive, Triangle, cholesky, triangular_solve};
pub use linear::{Activation, Linear, linear};
pub use matrix::{Matrix, multiply, product};
pub use path::Path;
pub use pool::{Pool2d, avg_pool2d, avg_pool2d_grad, max_pool2d, max_pool2d_grad};
pub use reduce::{Reduce, reduce};
pub use scan::{argmax, argsort, cumsum};
pub use sinkhorn::{Sinkhorn, sinkhorn};
pub use softmax::{log_softmax, log_softmax_grad, logsumexp, softmax, softmax_grad};
pub use svd::svd;
pub use unary::{Unary, gelu_grad, gelu_grad_on, unary, unary_on};
