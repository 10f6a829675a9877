//! Functions of each element, arithmetic, comparison and choice.

use super::lowering::{Kernel, Lowering, Site};
use crate::exec::Real;
use crate::graph::ops::{activation, binary, elementwise, select};
use crate::kernels::{self, Binary, Unary};
use rayon::prelude::*;

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![
        (&elementwise::NEG, |_| unary(Unary::Neg)),
        (&elementwise::EXP, |_| unary(Unary::Exp)),
        (&elementwise::LOG, |_| unary(Unary::Log)),
        (&elementwise::SQRT, |_| unary(Unary::Sqrt)),
        (&elementwise::SQUARE, |_| unary(Unary::Square)),
        (&elementwise::RECIP, |_| unary(Unary::Recip)),
        (&elementwise::ABS, |_| unary(Unary::Abs)),
        (&elementwise::SIGN, |_| unary(Unary::Sign)),
        (&elementwise::SIN, |_| unary(Unary::Sin)),
        (&elementwise::COS, |_| unary(Unary::Cos)),
        (&activation::TANH, |_| unary(Unary::Tanh)),
        (&activation::SIGMOID, |_| unary(Unary::Sigmoid)),
        (&activation::SOFTPLUS, |_| unary(Unary::Softplus)),
        (&activation::RELU, |_| unary(Unary::Relu)),
        (&activation::GELU, |_| unary(Unary::Gelu)),
        (&elementwise::ERF, |_| unary(Unary::Erf)),
        (&elementwise::INVERSE_ERF, |_| unary(Unary::InverseErf)),
        (&activation::RELU_GRAD, |_| {
            Kernel::pointwise(|x, dx| zip(x[0], x[1], dx, |y, dy| if y > T::ZERO { dy } else { T::ZERO }))
        }),
        (&activation::GELU_GRAD, |_| Kernel::pointwise(|x, dx| kernels::gelu_grad(x[0], x[1], dx))),
        (&elementwise::CLAMP, clamp),
        (&elementwise::STOPGRAD, |_| Kernel::pointwise(|x, y| y.copy_from_slice(x[0]))),
        (&binary::ADD, |site| binary(site, Binary::Add)),
        (&binary::SUB, |site| binary(site, Binary::Sub)),
        (&binary::MUL, |site| binary(site, Binary::Mul)),
        (&binary::DIV, |site| binary(site, Binary::Div)),
        (&binary::POW, |site| binary(site, Binary::Pow)),
        (&binary::MAXIMUM, |site| binary(site, Binary::Max)),
        (&binary::MINIMUM, |site| binary(site, Binary::Min)),
        (&binary::LESS, |site| binary(site, Binary::Lt)),
        (&binary::LESS_EQUAL, |site| binary(site, Binary::Le)),
        (&binary::EQUAL, |site| binary(site, Binary::Eq)),
        (&binary::NOT_EQUAL, |site| binary(site, Binary::Ne)),
        (&select::SELECT, select),
    ]
}

fn unary<T: Real>(op: Unary) -> Kernel<T> {
    Kernel::pointwise(move |x, y| kernels::unary(op, x[0], y))
}

fn clamp<T: Real>(site: &Site) -> Kernel<T> {
    let [min, max] = ["min", "max"].map(|name| T::from_f64(site.attrs.get_float(name)));
    Kernel::pointwise(move |x, y| {
        zip(x[0], x[0], y, |v, _| {
            if v < min {
                min
            } else if v > max {
                max
            } else {
                v
            }
        })
    })
}

/// `out = f(a, b)`, all of one size.
fn zip<T: Real>(a: &[T], b: &[T], out: &mut [T], f: impl Fn(T, T) -> T + Sync) {
    let each = |a: &[T], b: &[T], out: &mut [T]| {
        out.iter_mut().zip(a).zip(b).for_each(|((out, &a), &b)| *out = f(a, b));
    };
    if out.len() <= CHUNK {
        return each(a, b, out);
    }
    let inputs = a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK));
    out.par_chunks_mut(CHUNK).zip(inputs).for_each(|(out, (a, b))| each(a, b, out));
}

/// How many elements one thread takes at a time.
const CHUNK: usize = 1 << 14;

/// Whether every input has the result's dimensions or is a single number.
fn in_place(site: &Site) -> bool {
    site.inputs.iter().enumerate().all(|(i, dims)| *dims == site.output || site.count(i) == 1)
}

/// Whether an input is the last dimensions of the result, to be repeated along the first.
fn is_row(site: &Site, i: usize) -> bool {
    let dims = site.inputs[i];
    let dims = &dims[dims.iter().take_while(|&&d| d == 1).count()..];
    !dims.is_empty() && dims.len() < site.output.len() && site.output.ends_with(dims)
}

fn binary<T: Real>(site: &Site, op: Binary) -> Kernel<T> {
    let whole = |i: usize| site.inputs[i] == site.output;
    if in_place(site) || (whole(0) && is_row(site, 1)) || (whole(1) && is_row(site, 0)) {
        return Kernel::pointwise(move |x, y| {
            // Two dimensions, of which a row has the last.
            let row = x[0].len().min(x[1].len());
            let row = if row > 1 { row } else { y.len() };
            let dims = |x: &[T]| if x.len() > row { [x.len() / row, row] } else { [1, x.len()] };
            kernels::binary(op, x[0], &dims(x[0]), x[1], &dims(x[1]), y, &dims(y));
        });
    }
    let (a, b, out) = (site.input(0), site.input(1), site.output.to_vec());
    Kernel::whole(move |x, y| kernels::binary(op, x[0], &a, x[1], &b, y, &out))
}

fn select<T: Real>(site: &Site) -> Kernel<T> {
    if in_place(site) {
        return Kernel::pointwise(|x, y| {
            let [c, a, b] = [0, 1, 2].map(|i| (x[i], [x[i].len()]));
            kernels::select((c.0, &c.1), (a.0, &a.1), (b.0, &b.1), y, &[y.len()]);
        });
    }
    let (c, a, b, out) = (site.input(0), site.input(1), site.input(2), site.output.to_vec());
    Kernel::whole(move |x, y| kernels::select((x[0], &c), (x[1], &a), (x[2], &b), y, &out))
}
