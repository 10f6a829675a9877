//! Every differentiable operation on small parameters.

use sslrun::graph::ops::attention::Attended;
use sslrun::graph::ops::conv::Conv;
use sslrun::graph::ops::window::Window;
use sslrun::graph::{Dim, Graph, NodeId, ShapeError};

/// What building a node comes to.
pub type Built = Result<NodeId, ShapeError>;

/// An operation on small parameters, its values drawn from a range in which it is smooth.
pub struct Case {
    /// What is shown when it fails.
    pub name: &'static str,
    /// The parameters.
    pub shapes: &'static [&'static [usize]],
    /// Where their values lie.
    pub range: (f64, f64),
    /// The result from the parameters.
    pub build: fn(&mut Graph, &[NodeId]) -> Built,
}

const fn case(
    name: &'static str,
    shapes: &'static [&'static [usize]],
    range: (f64, f64),
    build: fn(&mut Graph, &[NodeId]) -> Built,
) -> Case {
    Case { name, shapes, range, build }
}

const ANY: (f64, f64) = (-2.0, 2.0);
const POSITIVE: (f64, f64) = (0.3, 3.0);

const ELEMENTWISE: &[Case] = &[
    case("neg", &[&[3, 4]], ANY, |g, x| g.neg(x[0])),
    case("exp", &[&[3, 4]], ANY, |g, x| g.exp(x[0])),
    case("log", &[&[3, 4]], POSITIVE, |g, x| g.log(x[0])),
    case("sqrt", &[&[3, 4]], POSITIVE, |g, x| g.sqrt(x[0])),
    case("square", &[&[3, 4]], ANY, |g, x| g.square(x[0])),
    case("recip", &[&[3, 4]], POSITIVE, |g, x| g.recip(x[0])),
    case("abs", &[&[3, 4]], ANY, |g, x| g.abs(x[0])),
    case("sin", &[&[3, 4]], ANY, |g, x| g.sin(x[0])),
    case("cos", &[&[3, 4]], ANY, |g, x| g.cos(x[0])),
    case("tanh", &[&[3, 4]], ANY, |g, x| g.tanh(x[0])),
    case("sigmoid", &[&[3, 4]], ANY, |g, x| g.sigmoid(x[0])),
    case("softplus", &[&[3, 4]], ANY, |g, x| g.softplus(x[0])),
    case("relu", &[&[3, 4]], ANY, |g, x| g.relu(x[0])),
    case("gelu", &[&[3, 4]], ANY, |g, x| g.gelu(x[0])),
    case("erf", &[&[3, 4]], ANY, |g, x| g.erf(x[0])),
    case("inverse_erf", &[&[3, 4]], (-0.95, 0.95), |g, x| g.inverse_erf(x[0])),
    case("clamp", &[&[3, 4]], ANY, |g, x| g.clamp(x[0], -0.7, 0.9)),
    case("stopgrad", &[&[3, 4]], ANY, |g, x| {
        let sign = g.sign(x[0])?;
        let sign = g.stopgrad(sign)?;
        g.mul(x[0], sign)
    }),
    case("large relu", &[&[5, 9000]], ANY, |g, x| {
        let y = g.relu(x[0])?;
        let y = g.square(y)?;
        let y = g.sum(y, &[1], false)?;
        g.scale(y, 1e-3)
    }),
];

const ARITHMETIC: &[Case] = &[
    case("add", &[&[3, 4], &[4]], ANY, |g, x| g.add(x[0], x[1])),
    case("sub", &[&[3, 1], &[2, 1, 4]], ANY, |g, x| g.sub(x[0], x[1])),
    case("mul", &[&[3, 4], &[3, 1]], ANY, |g, x| g.mul(x[0], x[1])),
    case("mul scalar", &[&[3, 4], &[]], ANY, |g, x| g.mul(x[0], x[1])),
    case("square by mul", &[&[3, 4]], ANY, |g, x| g.mul(x[0], x[0])),
    case("div", &[&[4], &[3, 4]], POSITIVE, |g, x| g.div(x[0], x[1])),
    case("pow", &[&[3, 4], &[1, 4]], POSITIVE, |g, x| g.pow(x[0], x[1])),
    case("maximum", &[&[3, 4], &[3, 4]], ANY, |g, x| g.maximum(x[0], x[1])),
    case("minimum", &[&[3, 4], &[1]], ANY, |g, x| g.minimum(x[0], x[1])),
    case("row over itself", &[&[7, 900], &[1, 900]], ANY, |g, x| {
        let y = g.sin(x[0])?;
        let y = g.sub(x[1], y)?;
        let y = g.mul(y, x[1])?;
        let y = g.sum(y, &[0], false)?;
        g.scale(y, 0.1)
    }),
    case("select", &[&[3, 4], &[4], &[3, 1]], ANY, |g, x| {
        let zero = g.constant(0.0);
        let positive = g.greater(x[0], zero)?;
        g.select(positive, x[1], x[2])
    }),
];

const MOVING: &[Case] = &[
    case("reshape", &[&[3, 4]], ANY, |g, x| g.reshape(x[0], &dims(&[2, 6]))),
    case("permute", &[&[2, 3, 4]], ANY, |g, x| g.permute(x[0], &[2, 0, 1])),
    case("broadcast_to", &[&[3, 1]], ANY, |g, x| g.broadcast_to(x[0], &dims(&[2, 3, 4]))),
    case("slice", &[&[3, 5]], ANY, |g, x| g.slice(x[0], 1, &Dim::from(1i64), &Dim::from(3i64))),
    case("pad", &[&[3, 2]], ANY, |g, x| g.pad(x[0], 0, &Dim::from(1i64), &Dim::from(2i64))),
    case("concat", &[&[3, 2], &[3, 4]], ANY, |g, x| g.concat(&[x[0], x[1], x[0]], 1)),
    case("split and join", &[&[6, 2]], ANY, |g, x| {
        let (start, half) = (Dim::default(), Dim::from(3i64));
        let (a, b) = (g.slice(x[0], 0, &start, &half)?, g.slice(x[0], 0, &half, &half)?);
        let b = g.exp(b)?;
        g.mul(a, b)
    }),
];

const REDUCTIONS: &[Case] = &[
    case("reduce_sum", &[&[2, 3, 4]], ANY, |g, x| g.sum(x[0], &[0, 2], false)),
    case("reduce_sum keepdim", &[&[2, 3, 4]], ANY, |g, x| g.sum(x[0], &[1], true)),
    case("mean", &[&[2, 3]], ANY, |g, x| g.mean_all(x[0])),
    case("reduce_max", &[&[2, 3, 4]], ANY, |g, x| g.max(x[0], &[1, 2], false)),
    case("reduce_min", &[&[2, 3, 4]], ANY, |g, x| g.min(x[0], &[0], true)),
    case("cumsum", &[&[3, 4]], ANY, |g, x| g.cumsum(x[0], 1)),
];

const PRODUCTS: &[Case] = &[
    case("matmul", &[&[3, 4], &[4, 2]], ANY, |g, x| g.matmul(x[0], x[1])),
    case("matmul transposed", &[&[4, 3], &[2, 4]], ANY, |g, x| {
        let (a, b) = (g.transpose_last(x[0])?, g.transpose_last(x[1])?);
        g.matmul(a, b)
    }),
    case("matmul of itself", &[&[5, 3]], ANY, |g, x| {
        let t = g.transpose_last(x[0])?;
        g.matmul(t, x[0])
    }),
    case("matmul batched", &[&[2, 3, 4], &[2, 4, 2]], ANY, |g, x| g.matmul(x[0], x[1])),
    case("matmul shared", &[&[2, 3, 4], &[4, 2]], ANY, |g, x| g.matmul(x[0], x[1])),
    case("matmul broadcast", &[&[2, 1, 3, 4], &[3, 4, 2]], ANY, |g, x| g.matmul(x[0], x[1])),
    case("matmul of vectors", &[&[4], &[4]], ANY, |g, x| g.matmul(x[0], x[1])),
];

const ROWS: &[Case] = &[
    case("softmax", &[&[3, 5]], ANY, |g, x| g.softmax(x[0])),
    case("log_softmax", &[&[2, 3, 5]], ANY, |g, x| g.log_softmax(x[0])),
    case("logsumexp", &[&[3, 5]], ANY, |g, x| g.logsumexp(x[0])),
    case("cross_entropy", &[&[3, 5]], ANY, |g, x| {
        let labels = g.arange(&Dim::from(3i64));
        g.cross_entropy(labels, x[0])
    }),
    case("layer_norm", &[&[4, 6], &[6], &[6]], ANY, |g, x| g.layer_norm(x[0], Some([x[1], x[2]]), 1e-5)),
    case("layer_norm plain", &[&[2, 2, 6]], ANY, |g, x| g.layer_norm(x[0], None, 1e-3)),
    case("gather", &[&[3, 4]], ANY, |g, x| {
        let order = g.argsort(x[0], 1, true)?;
        let first = g.slice(order, 1, &Dim::default(), &Dim::from(2i64))?;
        g.gather(x[0], first, 1)
    }),
    case("index_select", &[&[4, 3]], ANY, |g, x| {
        let index = g.arange(&Dim::from(3i64));
        let index = g.scale(index, 0.0)?;
        g.index_select(x[0], index, 0)
    }),
    case("scatter_add", &[&[4, 3]], ANY, |g, x| {
        let index = g.argsort(x[0], 0, false)?;
        g.scatter_add(index, x[0], 0, &Dim::from(6i64))
    }),
];

const TOKENS: &[Case] = &[
    case("take", &[&[2, 4, 3]], ANY, |g, x| {
        let index = chosen(g)?;
        g.take(x[0], index)
    }),
    case("take of numbers", &[&[2, 4]], ANY, |g, x| {
        let index = chosen(g)?;
        g.take(x[0], index)
    }),
    case("place", &[&[2, 3, 4]], ANY, |g, x| {
        let index = chosen(g)?;
        g.place(x[0], index, &Dim::from(5i64))
    }),
    case("patches", &[&[2, 4, 6, 2]], ANY, |g, x| {
        let patches = g.patches(x[0], 2)?;
        g.square(patches)
    }),
    case("unpatches", &[&[2, 6, 8]], ANY, |g, x| g.unpatches(x[0], 2, &dims(&[2, 3]))),
    case("masked_mean", &[&[3, 4, 2], &[3, 4]], POSITIVE, |g, x| g.masked_mean(x[0], x[1], false)),
    case("masked_mean per sample", &[&[3, 4], &[3, 4]], POSITIVE, |g, x| g.masked_mean(x[0], x[1], true)),
    case("attention", &[&[2, 3, 4], &[2, 5, 4], &[2, 5, 4]], ANY, |g, x| {
        g.attention(Attended::Apart([x[0], x[1], x[2]]), 2, None)
    }),
    case("attention packed", &[&[2, 3, 12], &[2, 3, 3]], ANY, |g, x| {
        g.attention(Attended::Packed(x[0]), 2, Some(x[1]))
    }),
    case("attention in blocks", &[&[1, 5, 2], &[1, 9000, 2], &[1, 9000, 2], &[1, 5, 9000]], ANY, |g, x| {
        let y = g.attention(Attended::Apart([x[0], x[1], x[2]]), 1, Some(x[3]))?;
        g.scale(y, 100.0)
    }),
];

const IMAGES: &[Case] = &[
    case("conv2d", &[&[2, 5, 4, 3], &[4, 3, 3, 3]], ANY, |g, x| conv(g, x, 1, 1, 1)),
    case("conv2d strided", &[&[1, 6, 6, 2], &[3, 2, 3, 3]], ANY, |g, x| conv(g, x, 2, 1, 1)),
    case("conv2d unpadded 1x1", &[&[2, 5, 5, 2], &[3, 2, 1, 1]], ANY, |g, x| conv(g, x, 2, 0, 1)),
    case("conv2d grouped", &[&[2, 4, 4, 4], &[6, 2, 3, 3]], ANY, |g, x| conv(g, x, 1, 1, 2)),
    case("batch_norm", &[&[2, 3, 2, 4], &[4], &[4]], ANY, |g, x| {
        let stats = g.channel_stats(x[0])?;
        g.batch_norm(x[0], stats, Some([x[1], x[2]]), 1e-3)
    }),
    case("batch_norm plain", &[&[6, 4]], ANY, |g, x| {
        let stats = g.channel_stats(x[0])?;
        g.batch_norm(x[0], stats, None, 1e-5)
    }),
    case("batch_norm frozen", &[&[6, 4], &[4], &[4]], ANY, |g, x| {
        let fixed = g.stopgrad(x[1])?;
        let fixed = g.square(fixed)?;
        let fixed = g.concat(&[fixed, fixed], 0)?;
        let (fixed, one) = (g.reshape(fixed, &dims(&[2, 4]))?, g.constant(0.0));
        let fixed = g.mul(fixed, one)?;
        g.frozen_batch_norm(x[0], fixed, Some([x[1], x[2]]), 0.5)
    }),
    case("max_pool", &[&[2, 5, 5, 2]], ANY, |g, x| g.max_pool(x[0], Window { kernel: 3, stride: 2, padding: 1 })),
    case("avg_pool", &[&[2, 4, 4, 2]], ANY, |g, x| g.avg_pool(x[0], Window { kernel: 3, stride: 1, padding: 1 })),
];

const MATRICES: &[Case] = &[
    case("cholesky", &[&[2, 4, 4]], ANY, |g, x| {
        let a = positive(g, x[0])?;
        g.cholesky(a)
    }),
    case("triangular_solve", &[&[4, 4], &[4, 3]], POSITIVE, |g, x| g.triangular_solve(x[0], x[1], false, false)),
    case("triangular_solve transposed", &[&[4, 4], &[4, 3]], POSITIVE, |g, x| {
        g.triangular_solve(x[0], x[1], true, true)
    }),
    case("triangle", &[&[4, 4]], ANY, |g, x| g.triangle(x[0], true, 0.5)),
    case("singular_values", &[&[2, 5, 3]], ANY, |g, x| g.singular_values(x[0])),
    case("nuclear_norm", &[&[3, 5]], ANY, |g, x| g.nuclear_norm(x[0])),
];

/// All cases.
pub const FAMILIES: &[&[Case]] =
    &[ELEMENTWISE, ARITHMETIC, MOVING, REDUCTIONS, PRODUCTS, ROWS, TOKENS, IMAGES, MATRICES];

/// Three of four rows for each of two samples, one of them twice: `[[0, 2, 3], [1, 1, 0]]`.
fn chosen(g: &mut Graph) -> Built {
    let places = g.arange(&Dim::from(6i64));
    let places = g.reshape(places, &dims(&[2, 3]))?;
    let wave = g.scale(places, 1.9)?;
    let wave = g.cos(wave)?;
    g.argsort(wave, 1, false)
}

fn conv(g: &mut Graph, x: &[NodeId], stride: usize, padding: usize, groups: usize) -> Built {
    g.conv2d(x[0], x[1], Conv { stride, padding, groups })
}

/// `x @ x.T + identity`
fn positive(g: &mut Graph, x: NodeId) -> Built {
    let t = g.transpose_last(x)?;
    let product = g.matmul(x, t)?;
    let eye = g.eye(&Dim::from(4i64))?;
    g.add(product, eye)
}

fn dims(sizes: &[usize]) -> Vec<Dim> {
    sizes.iter().map(|&d| Dim::from(d)).collect()
}
