//! What the operations of loss formulas compute, by name; an operation that is not here ends a trial.

use super::embedding::normal;
use super::evaluate::concrete;
use super::lines;
use super::tensor::Tensor;
use crate::graph::{Attrs, Node};
use crate::random::Rng;

/// The value of a leaf that needs nothing but its attributes.
pub(super) fn leaf(node: &Node, shape: &[usize]) -> Option<Tensor> {
    let (count, stream) = (shape.iter().product(), node.attrs.get_int("stream") as u64);
    let data = match node.op.name {
        "constant" => vec![node.attrs.get_float("value")],
        "dimension" => vec![concrete(node.attrs.get_dims("size"))?.first().copied()? as f64],
        "arange" => (0..count).map(|i| i as f64).collect(),
        "randn" => normal(&[5, stream], count),
        "rand" => {
            let mut rng = Rng::new(&[5, stream]);
            (0..count).map(|_| rng.uniform()).collect()
        }
        _ => return None,
    };
    Some(Tensor { shape: shape.to_vec(), data })
}

/// The value of a node of that shape.
pub(super) fn apply(node: &Node, inputs: &[&Tensor], shape: &[usize]) -> Option<Tensor> {
    let (attrs, first) = (&node.attrs, *inputs.first()?);
    if let Some(f) = unary(node.op.name, attrs) {
        return Some(first.map(f));
    }
    if let Some(f) = binary(node.op.name) {
        let (a, b) = (first.expand(shape), inputs.get(1)?.expand(shape));
        let data = a.data.iter().zip(&b.data).map(|(&x, &y)| f(x, y)).collect();
        return Some(Tensor { shape: shape.to_vec(), data });
    }
    Some(match node.op.name {
        "stopgrad" => first.clone(),
        "select" => {
            let (a, b) = (inputs.get(1)?.expand(shape), inputs.get(2)?.expand(shape));
            let choices = first.expand(shape).data.into_iter().zip(a.data.into_iter().zip(b.data));
            let data = choices.map(|(c, (x, y))| if c == 0.0 { y } else { x }).collect();
            Tensor { shape: shape.to_vec(), data }
        }
        "reshape" => Tensor { shape: shape.to_vec(), data: first.data.clone() },
        "broadcast_to" => first.expand(shape),
        "permute" => {
            let strides = first.strides();
            let strides: Vec<usize> = attrs.get_axes("axes").into_iter().map(|a| strides[a]).collect();
            first.pick(shape, 0, &strides)
        }
        "slice" => {
            let (axis, strides) = (attrs.get_usize("axis"), first.strides());
            let start = concrete(attrs.get_dims("start"))?.first().copied()?;
            first.pick(shape, start * strides[axis], &strides)
        }
        "pad" => lines::pad(first, attrs.get_usize("axis"), concrete(attrs.get_dims("before"))?[0], shape),
        "concat" => lines::concat(inputs, attrs.get_usize("axis"), shape),
        "reduce_sum" => lines::reduce(first, attrs, shape, 0.0, |a, b| a + b),
        "reduce_max" => lines::reduce(first, attrs, shape, f64::NEG_INFINITY, f64::max),
        "reduce_min" => lines::reduce(first, attrs, shape, f64::INFINITY, f64::min),
        "matmul" => lines::matmul(first, inputs.get(1)?, attrs, shape)?,
        "argsort" | "argmax" | "cumsum" => lines::along(node.op.name, first, attrs, shape)?,
        "gather" => lines::gather(first, inputs.get(1)?, attrs.get_usize("axis"))?,
        "sinkhorn" => lines::sinkhorn(first, attrs)?,
        "take" => lines::take(first, inputs.get(1)?, shape)?,
        "softmax" | "log_softmax" | "logsumexp" => lines::softmax(node.op.name, first, shape)?,
        _ => return None,
    })
}

fn unary(name: &str, attrs: &Attrs) -> Option<Box<dyn Fn(f64) -> f64>> {
    let plain: fn(f64) -> f64 = match name {
        "neg" => |x| -x,
        "exp" => f64::exp,
        "log" => f64::ln,
        "sqrt" => f64::sqrt,
        "square" => |x| x * x,
        "recip" => |x| 1.0 / x,
        "abs" => f64::abs,
        "sign" => |x| if x == 0.0 { 0.0 } else { x.signum() },
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tanh" => f64::tanh,
        "sigmoid" => |x| 1.0 / (1.0 + (-x).exp()),
        "softplus" => |x| x.max(0.0) + (-x.abs()).exp().ln_1p(),
        "relu" => |x| x.max(0.0),
        // The usual approximation by tanh: a trial needs no more.
        "gelu" => |x| 0.5 * x * (1.0 + (0.797_884_560_802_865_4 * (x + 0.044_715 * x * x * x)).tanh()),
        "erf" => libm::erf,
        // Winitzki's approximation.
        "inverse_erf" => |x| {
            let log = (1.0 - x * x).ln();
            let half = 2.0 / (std::f64::consts::PI * 0.147) + log / 2.0;
            ((half * half - log / 0.147).sqrt() - half).max(0.0).sqrt().copysign(x)
        },
        "clamp" => {
            let (min, max) = (attrs.get_float("min"), attrs.get_float("max"));
            return Some(Box::new(move |x| x.max(min).min(max)));
        }
        _ => return None,
    };
    Some(Box::new(plain))
}

fn binary(name: &str) -> Option<fn(f64, f64) -> f64> {
    Some(match name {
        "add" => |x, y| x + y,
        "sub" => |x, y| x - y,
        "mul" => |x, y| x * y,
        "div" => |x, y| x / y,
        "pow" => f64::powf,
        "maximum" => f64::max,
        "minimum" => f64::min,
        "less" => |x, y| f64::from(u8::from(x < y)),
        "less_equal" => |x, y| f64::from(u8::from(x <= y)),
        "equal" => |x, y| f64::from(u8::from(x == y)),
        "not_equal" => |x, y| f64::from(u8::from(x != y)),
        _ => return None,
    })
}
