//! Tables of numbers that follow from sizes alone: resampling, positions, relative places.

use super::{bounds, samples};
use crate::graph::{Attrs, Cost, GradRule, Graph, NodeId, Operation, Shape, ShapeError, TensorType, Values};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&RESAMPLING, &SINCOS, &RELATIVE];

/// `-> [to, from]`: the weights by which `from` equally spaced samples become `to` of them, bicubic (a = -1/2) and widened where
/// samples get fewer, so that nothing is skipped (Pillow's and PyTorch's `antialias`).
pub static RESAMPLING: Operation = Operation {
    name: "resampling",
    infer: infer_resampling,
    grad: GradRule::Stops,
    cost: Cost::Free,
    samples: samples::of_size,
    values: Values::UNKNOWN,
    in_place: false,
};

/// `-> [rows columns, width]`: sines and cosines of the places in a grid, a quarter of the width each for the sine and cosine of the
/// column, then of the row, at wavelengths from 2 pi to 20000 pi. Places are measured on a grid of `base_rows` by `base_columns`.
pub static SINCOS: Operation = Operation {
    name: "sincos",
    infer: infer_sincos,
    grad: GradRule::Stops,
    cost: Cost::Free,
    samples: samples::of_size,
    values: Values::UNKNOWN,
    in_place: false,
};

/// `-> [L, L]` for `prefix` tokens before a grid of `rows` by `columns`: which number of a table belongs to a pair of tokens. Pairs of
/// patches go by their distance; then come prefix to patch, patch to prefix, and prefix to prefix.
pub static RELATIVE: Operation = Operation {
    name: "relative",
    infer: infer_relative,
    grad: GradRule::Stops,
    cost: Cost::Free,
    samples: samples::of_size,
    values: Values::UNKNOWN.bounds(bounds::from_zero),
    in_place: false,
};

fn infer_resampling(attrs: &Attrs, _: &[&TensorType]) -> Result<TensorType, ShapeError> {
    Ok(TensorType::float(Shape::of(&[attrs.get_usize("to"), attrs.get_usize("from")])))
}

fn infer_sincos(attrs: &Attrs, _: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let (places, width) = (attrs.get_usize("rows") * attrs.get_usize("columns"), attrs.get_usize("width"));
    if !width.is_multiple_of(4) {
        return Err(ShapeError::new(format!(
            "a width of {width} does not divide into sines and cosines of two directions"
        ))
        .help("positions of sines and cosines need a width that is a multiple of 4"));
    }
    Ok(TensorType::float(Shape::of(&[places, width])))
}

fn infer_relative(attrs: &Attrs, _: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let length = attrs.get_usize("prefix") + attrs.get_usize("rows") * attrs.get_usize("columns");
    Ok(TensorType::int(Shape::of(&[length, length])))
}

/// The numbers of the table that an operation of this family makes.
pub fn table(op: &Operation, attrs: &Attrs) -> Vec<f64> {
    let size = |name| attrs.get_usize(name);
    match op {
        op if op == &RESAMPLING => resampling(size("from"), size("to")),
        op if op == &SINCOS => {
            sincos([size("rows"), size("columns")], [size("base_rows"), size("base_columns")], size("width"))
        }
        _ => relative(size("prefix"), size("rows"), size("columns")),
    }
}

/// The weights `[to, from]` by which `to` samples are made of `from`: bicubic, antialiased.
pub fn resampling(from: usize, to: usize) -> Vec<f64> {
    let scale = from as f64 / to as f64;
    let wide = scale.max(1.0);
    let mut table = vec![0.0; to * from];
    for (i, row) in table.chunks_mut(from.max(1)).enumerate() {
        let centre = scale * (i as f64 + 0.5);
        let first = (centre - 2.0 * wide + 0.5).max(0.0) as usize;
        let last = ((centre + 2.0 * wide + 0.5) as usize).min(from);
        for j in first..last {
            row[j] = cubic((j as f64 - centre + 0.5) / wide);
        }
        let total: f64 = row.iter().sum();
        row.iter_mut().for_each(|w| *w /= total);
    }
    table
}

/// The cubic convolution kernel with a = -1/2 (Keys 1981).
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    match x {
        _ if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        _ if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        _ => 0.0,
    }
}

/// Sines and cosines of the places in a grid `[rows, columns]`, measured on a grid `base`: `width` for each place.
pub fn sincos([rows, columns]: [usize; 2], base: [usize; 2], width: usize) -> Vec<f64> {
    let quarter = width / 4;
    let place = |i: usize, of: usize, base: usize| (i as f64 + 0.5) * base as f64 / of as f64 - 0.5;
    let mut table = Vec::with_capacity(rows * columns * width);
    for at in 0..rows * columns {
        for place in [place(at % columns, columns, base[1]), place(at / columns, rows, base[0])] {
            let angles = (0..quarter).map(|k| place / 10_000f64.powf(k as f64 / quarter as f64));
            table.extend(angles.clone().map(f64::sin));
            table.extend(angles.map(f64::cos));
        }
    }
    table
}

fn relative(prefix: usize, rows: usize, columns: usize) -> Vec<f64> {
    let length = prefix + rows * columns;
    let distances = (2 * rows - 1) * (2 * columns - 1);
    let number = |i: usize, j: usize| match (i.checked_sub(prefix), j.checked_sub(prefix)) {
        (Some(i), Some(j)) => {
            let (down, right) = (i / columns + rows - 1 - j / columns, i % columns + columns - 1 - j % columns);
            down * (2 * columns - 1) + right
        }
        (None, Some(_)) => distances,
        (Some(_), None) => distances + 1,
        (None, None) => distances + 2,
    };
    (0..length * length).map(|at| number(at / length, at % length) as f64).collect()
}

impl Graph {
    /// The weights that make `to` samples of `from`, `[to, from]`.
    pub fn resampling(&mut self, from: usize, to: usize) -> Result<NodeId, ShapeError> {
        self.apply(&RESAMPLING, Attrs::new().int("from", from as i64).int("to", to as i64), &[])
    }

    /// Sines and cosines of the places in a grid `[rows, columns]`, measured on a grid `base`.
    pub fn sincos(&mut self, grid: [usize; 2], base: [usize; 2], width: usize) -> Result<NodeId, ShapeError> {
        let attrs = Attrs::new().int("rows", grid[0] as i64).int("columns", grid[1] as i64);
        let attrs = attrs.int("base_rows", base[0] as i64).int("base_columns", base[1] as i64);
        self.apply(&SINCOS, attrs.int("width", width as i64), &[])
    }

    /// Which number of a table of relative places belongs to each pair of `prefix` tokens and the patches of a grid.
    pub fn relative(&mut self, prefix: usize, [rows, columns]: [usize; 2]) -> Result<NodeId, ShapeError> {
        let attrs = Attrs::new().int("prefix", prefix as i64).int("rows", rows as i64);
        self.apply(&RELATIVE, attrs.int("columns", columns as i64), &[])
    }
}
