//! Positions of tokens, as files hold them: with rows for class token and registers or without, for a grid of another size.

use crate::graph::ops::tables::{resampling, sincos};

/// Positions as ours are: a row for the class token where there is one, then the patches.
#[derive(Debug, PartialEq)]
pub(super) struct Positions {
    /// The rows, one behind the other.
    pub rows: Vec<f32>,
    /// What the file adds to registers, which have no positions here: it is added to them once.
    pub registers: Vec<f32>,
    /// The side of the grid before and after, where it was changed.
    pub resized: Option<(usize, usize)>,
}

/// What is known of the encoders of both sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens {
    /// Whether there is a class token.
    pub class: bool,
    /// How many registers there are.
    pub registers: usize,
    /// The width of a token.
    pub width: usize,
    /// How many rows are wanted.
    pub wanted: usize,
}

/// The wanted positions out of `given`; `None` where they are those of no square.
pub(super) fn converted(given: &[f32], tokens: Tokens) -> Option<Positions> {
    let Tokens { class, registers, width, wanted } = tokens;
    let count = given.len() / width.max(1);
    let own = usize::from(class);
    let patches = wanted.checked_sub(own)?;
    let mut prefixes = vec![own, own + registers, 0];
    prefixes.dedup();
    // That the grid is the wanted one tells more than that it is a square.
    let of_size = prefixes.iter().find(|&&prefix| count.checked_sub(prefix) == Some(patches));
    let square = prefixes.iter().find(|&&prefix| count.checked_sub(prefix).is_some_and(|n| side(n).is_some()));
    let prefix = *of_size.or(square)?;
    let (before, grid) = given.split_at(prefix * width);
    let (grid, resized) = match count - prefix == patches {
        true => (grid.to_vec(), None),
        false => {
            let (from, to) = (side(count - prefix)?, side(patches)?);
            (resized(grid, from, to, width), Some((from, to)))
        }
    };
    let first = if prefix > 0 { before[..own * width].to_vec() } else { vec![0.0; own * width] };
    let registers = before.get(own * width..).unwrap_or(&[]).to_vec();
    Some(Positions { rows: [first, grid].concat(), registers, resized })
}

/// Positions of the patches of a square for another grid, which is a square, too.
pub fn square_positions(given: &[f32], [rows, columns]: [usize; 2], width: usize) -> Option<Vec<f32>> {
    let from = side(given.len() / width.max(1))?;
    (rows == columns).then(|| resized(given, from, rows, width))
}

/// Whether positions are the fixed sines and cosines of a square, behind rows of zeros.
pub(super) fn are_sines(given: &[f32], width: usize) -> bool {
    let count = given.len() / width.max(1);
    let Some((prefix, side)) = (0..2).find_map(|prefix| Some((prefix, side(count.checked_sub(prefix)?)?))) else {
        return false;
    };
    if !width.is_multiple_of(4) {
        return false;
    }
    let (before, grid) = given.split_at(prefix * width);
    let table = sincos([side, side], [side, side], width);
    before.iter().all(|x| *x == 0.0) && grid.iter().zip(table).all(|(x, y)| (f64::from(*x) - y).abs() < 1e-4)
}

/// The side of a square of so many patches.
fn side(count: usize) -> Option<usize> {
    let side = count.isqrt();
    (side > 0 && side * side == count).then_some(side)
}

/// Bicubic and antialiased, rows first and then columns, as timm's `resample_abs_pos_embed`.
fn resized(grid: &[f32], from: usize, to: usize, width: usize) -> Vec<f32> {
    let weights = resampling(from, to);
    let mut down = vec![0.0; to * from * width];
    for (i, row) in down.chunks_mut((from * width).max(1)).enumerate() {
        for (j, source) in grid.chunks((from * width).max(1)).enumerate() {
            let weight = weights[i * from + j];
            row.iter_mut().zip(source).for_each(|(sum, x)| *sum += weight * f64::from(*x));
        }
    }
    let mut out = vec![0.0; to * to * width];
    for (i, row) in out.chunks_mut((to * width).max(1)).enumerate() {
        for (j, token) in row.chunks_mut(width.max(1)).enumerate() {
            for k in 0..from {
                let source = &down[(i * from + k) * width..][..width];
                let weight = weights[j * from + k];
                token.iter_mut().zip(source).for_each(|(sum, x)| *sum += weight * x);
            }
        }
    }
    out.into_iter().map(|x| x as f32).collect()
}
