//! What the operations of loss formulas compute, by name; an operation that is not here ends a trial.

use super::embedding::normal;
use super::evaluate::concrete;
use super::tensor::Tensor;
use super::{lines, matrices};
use crate::graph::{Attrs, Node};
use crate::random::Rng;

/// The value of a leaf that needs nothing but its attributes.
pub(super) fn leaf(node: &Node, shape: &[usize], samples: usize) -> Option<Tensor> {
    let (count, stream) = (shape.iter().product(), node.attrs.get_int("stream") as u64);
    let data = match node.op.name {
        "constant" => vec![node.attrs.get_float("value")],
        "dimension" => vec![number(&node.attrs, "size", samples)? as f64],
        "arange" => (0..count).map(|i| i as f64).collect(),
        "randn" => normal(&[5, stream], count),
        "rand" => {
            let mut rng = Rng::new(&[5, stream]);
            (0..count).map(|_| rng.uniform()).collect()
        }
        _ => return None,
    };
    Tensor::new(shape, data)
}

/// The value of a node of that shape.
pub(super) fn apply(node: &Node, inputs: &[&Tensor], shape: &[usize], samples: usize) -> Option<Tensor> {
    let (attrs, first) = (&node.attrs, *inputs.first()?);
    if let Some(value) = unary(node.op.name, attrs, first) {
        return Some(value);
    }
    if let Some(value) = inputs.get(1).and_then(|second| binary(node.op.name, first, second, shape)) {
        return Some(value);
    }
    match node.op.name {
        "stopgrad" => Some(first.clone()),
        "select" => select(first, inputs.get(1)?, inputs.get(2)?, shape),
        "reshape" => Tensor::new(shape, first.data.clone()),
        "broadcast_to" => Some(first.expand(shape)?.into_owned()),
        "permute" => {
            let strides = first.strides();
            let strides =
                attrs.get_axes("axes").into_iter().map(|a| strides.get(a).copied()).collect::<Option<Vec<_>>>()?;
            first.pick(shape, 0, &strides)
        }
        "slice" => slice(first, attrs.get_usize("axis"), number(attrs, "start", samples)?, shape),
        "pad" => lines::pad(first, attrs.get_usize("axis"), number(attrs, "before", samples)?, shape),
        "concat" => lines::concat(inputs, attrs.get_usize("axis"), shape),
        "reduce_sum" => lines::reduce(first, attrs, shape, 0.0, |a, b| a + b),
        "reduce_max" => lines::reduce(first, attrs, shape, f64::NEG_INFINITY, f64::max),
        "reduce_min" => lines::reduce(first, attrs, shape, f64::INFINITY, f64::min),
        "matmul" => lines::matmul(first, inputs.get(1)?, attrs, shape),
        "argsort" | "argmax" | "cumsum" => lines::along(node.op.name, first, attrs, shape),
        "gather" => lines::gather(first, inputs.get(1)?, attrs.get_usize("axis")),
        "sinkhorn" => lines::sinkhorn(first, attrs),
        "cholesky" => matrices::cholesky(first),
        "triangular_solve" => matrices::triangular_solve(first, inputs.get(1)?, attrs),
        "singular_values" | "nuclear_norm" => matrices::singular_values(first, node.op.name == "nuclear_norm", shape),
        "take" => lines::take(first, inputs.get(1)?, shape),
        "softmax" | "log_softmax" | "logsumexp" => lines::softmax(node.op.name, first, shape),
        _ => None,
    }
}

/// The number that an attribute of one dimension is.
fn number(attrs: &Attrs, name: &str, samples: usize) -> Option<usize> {
    concrete(attrs.get_dims(name), samples)?.first().copied()
}

fn select(choices: &Tensor, a: &Tensor, b: &Tensor, shape: &[usize]) -> Option<Tensor> {
    let (choices, a, b) = (choices.expand(shape)?, a.expand(shape)?, b.expand(shape)?);
    let values = choices.data.iter().zip(a.data.iter().zip(&b.data));
    Tensor::new(shape, values.map(|(&c, (&x, &y))| if c == 0.0 { y } else { x }).collect())
}

/// The rows from `start` on along a dimension; `None` where there are not so many.
fn slice(x: &Tensor, axis: usize, start: usize, shape: &[usize]) -> Option<Tensor> {
    let (_, length, behind) = x.around(axis)?;
    (start.checked_add(*shape.get(axis)?)? <= length).then(|| x.pick(shape, start * behind, &x.strides()))?
}

fn unary(name: &str, attrs: &Attrs, x: &Tensor) -> Option<Tensor> {
    Some(match name {
        "class_label" => x.clone(),
        "neg" => x.map(|x| -x),
        "exp" => x.map(f64::exp),
        "log" => x.map(f64::ln),
        "sqrt" => x.map(f64::sqrt),
        "square" => x.map(|x| x * x),
        "recip" => x.map(|x| 1.0 / x),
        "abs" => x.map(f64::abs),
        "sign" => x.map(|x| if x == 0.0 { 0.0 } else { x.signum() }),
        "sin" => x.map(f64::sin),
        "cos" => x.map(f64::cos),
        "tanh" => x.map(f64::tanh),
        "sigmoid" => x.map(|x| 1.0 / (1.0 + (-x).exp())),
        "softplus" => x.map(|x| x.max(0.0) + (-x.abs()).exp().ln_1p()),
        "relu" => x.map(|x| x.max(0.0)),
        // The usual approximation by tanh: a trial needs no more.
        "gelu" => x.map(|x| 0.5 * x * (1.0 + (0.797_884_560_802_865_4 * (x + 0.044_715 * x * x * x)).tanh())),
        "erf" => x.map(libm::erf),
        // Winitzki's approximation.
        "inverse_erf" => x.map(|x| {
            let log = (1.0 - x * x).ln();
            let half = 2.0 / (std::f64::consts::PI * 0.147) + log / 2.0;
            ((half * half - log / 0.147).sqrt() - half).max(0.0).sqrt().copysign(x)
        }),
        "clamp" => {
            let (min, max) = (attrs.get_float("min"), attrs.get_float("max"));
            x.map(|x| x.max(min).min(max))
        }
        _ => return None,
    })
}

fn binary(name: &str, a: &Tensor, b: &Tensor, shape: &[usize]) -> Option<Tensor> {
    let truth = |holds: bool| f64::from(u8::from(holds));
    match name {
        "add" => a.zip(b, shape, |x, y| x + y),
        "sub" => a.zip(b, shape, |x, y| x - y),
        "mul" => a.zip(b, shape, |x, y| x * y),
        "div" => a.zip(b, shape, |x, y| x / y),
        "pow" => a.zip(b, shape, f64::powf),
        "maximum" => a.zip(b, shape, f64::max),
        "minimum" => a.zip(b, shape, f64::min),
        "less" => a.zip(b, shape, |x, y| truth(x < y)),
        "less_equal" => a.zip(b, shape, |x, y| truth(x <= y)),
        "equal" => a.zip(b, shape, |x, y| truth(x == y)),
        "not_equal" => a.zip(b, shape, |x, y| truth(x != y)),
        _ => None,
    }
}
