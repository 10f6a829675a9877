//! Operations that work along dimensions: reductions, products, sorting, softmax.

use std::borrow::Cow;

use super::tensor::Tensor;
use crate::graph::Attrs;

/// Folds the dimensions of the `axes` attribute.
pub(super) fn reduce(
    x: &Tensor,
    attrs: &Attrs,
    shape: &[usize],
    start: f64,
    fold: impl Fn(f64, f64) -> f64,
) -> Option<Tensor> {
    let axes = attrs.get_axes("axes");
    let kept: Vec<usize> = (0..x.shape.len()).filter(|d| !axes.contains(d)).collect();
    let strides = x.strides();
    let order: Vec<usize> = kept.iter().chain(&axes).copied().collect();
    let sizes: Vec<usize> = order.iter().map(|&d| x.shape.get(d).copied()).collect::<Option<_>>()?;
    let moved = match order.is_sorted() {
        true => Cow::Borrowed(x),
        false => Cow::Owned(x.pick(&sizes, 0, &order.iter().map(|&d| strides[d]).collect::<Vec<_>>())?),
    };
    let length = sizes[kept.len()..].iter().product::<usize>().max(1);
    let data = moved.data.chunks(length).map(|chunk| chunk.iter().copied().fold(start, &fold)).collect();
    Tensor::new(shape, data)
}

/// The most products of two numbers that are worth a trial.
const DEAREST: usize = 1 << 32;

/// `a @ b` of matrices, or of equally many matrices.
pub(super) fn matmul(a: &Tensor, b: &Tensor, attrs: &Attrs, shape: &[usize]) -> Option<Tensor> {
    let &[.., rows, columns] = shape else { return None };
    let (a, b) = (upright(a, attrs.get_bool("ta"))?, upright(b, attrs.get_bool("tb"))?);
    let &[ref outer @ .., _, inner] = a.shape.as_slice() else { return None };
    let count = outer.iter().product::<usize>();
    let work = count.checked_mul(rows)?.checked_mul(inner)?.checked_mul(columns)?;
    if work > DEAREST || b.data.len() != count * inner * columns || a.data.len() != count * rows * inner {
        return None;
    }
    let mut data = vec![0.0; count * rows * columns];
    for (i, row) in data.chunks_mut(columns.max(1)).enumerate() {
        let others = b.data[i / rows * inner * columns..].chunks(columns.max(1));
        for (x, other) in a.data[i * inner..(i + 1) * inner].iter().zip(others) {
            row.iter_mut().zip(other).for_each(|(sum, y)| *sum += x * y);
        }
    }
    Tensor::new(shape, data)
}

/// Matrices as they enter a product.
fn upright(x: &Tensor, transposed: bool) -> Option<Cow<'_, Tensor>> {
    if !transposed {
        return Some(Cow::Borrowed(x));
    }
    let (mut shape, mut strides) = (x.shape.clone(), x.strides());
    let last = shape.len().checked_sub(1).filter(|last| *last > 0)?;
    shape.swap(last - 1, last);
    strides.swap(last - 1, last);
    x.pick(&shape, 0, &strides).map(Cow::Owned)
}

pub(super) fn concat(parts: &[&Tensor], axis: usize, shape: &[usize]) -> Option<Tensor> {
    let outer: usize = shape.get(..axis)?.iter().product();
    let mut data = Vec::with_capacity(shape.iter().product());
    for i in 0..outer {
        for part in parts {
            let (_, length, behind) = part.around(axis)?;
            data.extend(part.data.get(i * length * behind..(i + 1) * length * behind)?);
        }
    }
    Tensor::new(shape, data)
}

pub(super) fn pad(x: &Tensor, axis: usize, before: usize, shape: &[usize]) -> Option<Tensor> {
    let (outer, length, behind) = x.around(axis)?;
    let mut padded = Tensor::full(shape, 0.0);
    for i in 0..outer {
        let to = (i * shape.get(axis)? + before) * behind;
        let from = &x.data[i * length * behind..(i + 1) * length * behind];
        padded.data.get_mut(to..to + length * behind)?.copy_from_slice(from);
    }
    Some(padded)
}

/// `argsort`, `argmax` and `cumsum`.
pub(super) fn along(name: &str, x: &Tensor, attrs: &Attrs, shape: &[usize]) -> Option<Tensor> {
    let (outer, length, behind) = x.around(attrs.get_usize("axis"))?;
    let mut result = Tensor::full(shape, 0.0);
    let kept = shape.iter().product::<usize>() / (outer * behind).max(1);
    for i in 0..outer {
        for j in 0..behind {
            let mut line: Vec<f64> = (0..length).map(|k| x.data[(i * length + k) * behind + j]).collect();
            match name {
                "cumsum" if attrs.get_bool("reverse") => (1..length).rev().for_each(|k| line[k - 1] += line[k]),
                "cumsum" => (1..length).for_each(|k| line[k] += line[k - 1]),
                "argsort" => line = order(&line, attrs.get_bool("descending")),
                _ => line = order(&line, true),
            }
            line.iter().take(kept).enumerate().for_each(|(k, &v)| result.data[(i * kept + k) * behind + j] = v);
        }
    }
    Some(result)
}

/// Where the elements in order stand.
fn order(line: &[f64], descending: bool) -> Vec<f64> {
    let mut places: Vec<usize> = (0..line.len()).collect();
    let compare = |a: &usize, b: &usize| line[*a].total_cmp(&line[*b]);
    places.sort_by(|a, b| if descending { compare(b, a) } else { compare(a, b) });
    places.into_iter().map(|p| p as f64).collect()
}

pub(super) fn gather(x: &Tensor, index: &Tensor, axis: usize) -> Option<Tensor> {
    let (_, length, behind) = x.around(axis)?;
    let (outer, count, _) = index.around(axis)?;
    let mut data = Vec::with_capacity(index.data.len());
    for i in 0..outer {
        for at in 0..count * behind {
            let from = *index.data.get(i * count * behind + at)? as usize;
            data.push(*x.data.get((i * length + from.min(length.checked_sub(1)?)) * behind + at % behind)?);
        }
    }
    Tensor::new(&index.shape, data)
}

/// The rows of each sample that the indices name.
pub(super) fn take(x: &Tensor, indices: &Tensor, shape: &[usize]) -> Option<Tensor> {
    let (_, length, width) = x.around(1)?;
    let (count, last) = (shape.get(1).copied().filter(|&n| n > 0)?, length.checked_sub(1)?);
    let rows = indices.data.iter().enumerate();
    let starts = rows.map(|(i, &at)| (i / count * length + (at as usize).min(last)) * width);
    let rows = starts.map(|start| x.data.get(start..start + width)).collect::<Option<Vec<_>>>()?;
    Tensor::new(shape, rows.concat())
}

/// `softmax`, `log_softmax` and `logsumexp` over the last dimension.
pub(super) fn softmax(name: &str, x: &Tensor, shape: &[usize]) -> Option<Tensor> {
    let length = x.shape.last().copied().filter(|&n| n > 0)?;
    let mut data = Vec::with_capacity(x.data.len());
    for row in x.data.chunks(length) {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let start = data.len();
        data.extend(row.iter().map(|v| (v - largest).exp()));
        let sum = data[start..].iter().sum::<f64>();
        if name == "softmax" {
            data[start..].iter_mut().for_each(|p| *p /= sum);
            continue;
        }
        data.truncate(start);
        let total = largest + sum.ln();
        match name {
            "log_softmax" => data.extend(row.iter().map(|v| v - total)),
            _ => data.push(total),
        }
    }
    Tensor::new(shape, data)
}

/// Balanced assignments: columns and rows scaled in turn.
pub(super) fn sinkhorn(x: &Tensor, attrs: &Attrs) -> Option<Tensor> {
    let &[.., rows, columns] = x.shape.as_slice() else { return None };
    let (log, epsilon) = (attrs.get_bool("probabilities"), attrs.get_float("epsilon"));
    let mut data: Vec<f64> = x.data.iter().map(|&v| if log { v.ln() } else { v } / epsilon).collect();
    for problem in data.chunks_exact_mut((rows * columns).max(1)) {
        for _ in 0..attrs.get_usize("iterations").min(50) {
            (0..columns).for_each(|j| balance(problem, (j..rows * columns).step_by(columns)));
            (0..rows).for_each(|i| balance(problem, i * columns..(i + 1) * columns));
        }
        problem.iter_mut().for_each(|v| *v = v.exp());
    }
    Tensor::new(&x.shape, data)
}

/// Subtracts from some logarithms that of the sum of what they stand for.
fn balance(logs: &mut [f64], places: impl Iterator<Item = usize> + Clone) {
    let top = places.clone().map(|i| logs[i]).fold(f64::NEG_INFINITY, f64::max);
    if top.is_finite() {
        let total = top + places.clone().map(|i| (logs[i] - top).exp()).sum::<f64>().ln();
        places.for_each(|i| logs[i] -= total);
    }
}
