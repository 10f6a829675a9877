//! Products of f32 matrices by the inner loop of the convolutions.
mod pack;

use super::gemm::{Gemm, Layout};
use super::panels::{Panel, panels, split};
use super::parallel;
use super::scratch::{Buffer, odd_lines};
use super::tile::{Ahead, Run, Simd, Strip, Task};

/// One product of the sizes `g`.
pub struct Product<'a> {
    /// The sizes.
    pub g: &'a Gemm,
    /// The left matrix.
    pub a: &'a [f32],
    /// The right matrix.
    pub b: &'a [f32],
    /// The result, in contiguous rows.
    pub c: &'a mut [f32],
    /// Whether several threads work on it.
    pub parallel: bool,
    /// What is done to rows of the result when they are complete, given the first of them; they are still near then.
    pub then: Option<&'a Then<'a>>,
}

/// Something done to rows of a result, given the number of the first.
pub type Then<'a> = dyn Fn(usize, &mut [f32]) + Sync + 'a;

/// Steps of the sum that are taken at a time: so long a panel of B stays in the nearest cache.
const STEPS: usize = 256;
/// Steps that are packed in one piece.
const PIECE: usize = 64;
/// Rows of C that are computed at a time: so many rows of A stay in the second cache.
const ROWS: usize = 192;
/// Rows of C for which a thread by itself does not pack B.
const FEW: usize = 128;
/// Values of B that are packed before they are used: they stay in the last cache.
const PACKED: usize = 1 << 20;

impl Task for Product<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let Gemm { m, n, k, c: Layout { row, .. }, .. } = *self.g;
        let c = &mut self.c[..(m - 1) * row + n];
        if k == 0 && !self.g.add {
            c.chunks_mut(row).for_each(|row| row[..n].fill(0.0));
        }
        if let (0, Some(then)) = (k, self.then) {
            then(0, c);
        }
        let panels = panels(n, S::LANES);
        let pieces = if self.parallel { 2 * rayon::current_num_threads() } else { 1 };
        let rows = m.div_ceil(pieces).next_multiple_of(S::rows(2)).min(ROWS);
        let piece = if self.parallel { PIECE } else { STEPS };
        let width: usize = panels.iter().map(|p| p.vectors * S::LANES).sum();
        let mut packed = Buffer::default();
        for (first, steps) in split(k, (PACKED / width / STEPS).max(1) * STEPS) {
            let then = self.then.filter(|_| first + steps == k);
            let job = Job { simd, g: self.g, a: self.a, b: self.b, panels: &panels, width, first, steps, piece, then };
            if !self.parallel && m <= FEW && job.lies_in_rows() {
                c.chunks_mut(rows * row).enumerate().for_each(|(i, c)| job.band(i * rows, None, c));
                continue;
            }
            let packed = packed.reset(width * steps);
            let pieces = packed.chunks_mut(width * piece).enumerate();
            if self.parallel {
                parallel::each(pieces, |(i, out)| job.pack(i * piece, out));
                let packed = &*packed;
                parallel::each(c.chunks_mut(rows * row).enumerate(), |(i, c)| job.band(i * rows, Some(packed), c));
            } else {
                pieces.for_each(|(i, out)| job.pack(i * piece, out));
                c.chunks_mut(rows * row).enumerate().for_each(|(i, c)| job.band(i * rows, Some(packed), c));
            }
        }
    }
}

/// Some steps of the sum, from `first` on.
struct Job<'a, S> {
    simd: S,
    g: &'a Gemm,
    a: &'a [f32],
    b: &'a [f32],
    panels: &'a [Panel],
    /// Values of all panels in a step.
    width: usize,
    first: usize,
    steps: usize,
    /// Steps of B that are packed in one piece.
    piece: usize,
    then: Option<&'a Then<'a>>,
}

impl<S: Simd> Job<'_, S> {
    /// Packs a piece of B, steps from `from` on.
    fn pack(&self, from: usize, out: &mut [f32]) {
        let (steps, layout) = (out.len() / self.width, self.g.b);
        let b = &self.b[(self.first + from) * layout.row..];
        self.simd.vectors(pack::Right { b, layout, panels: self.panels, steps, out });
    }

    /// Whether the inner loop can walk over B as it lies: its rows are whole vectors and do not fight for the same cache lines.
    fn lies_in_rows(&self) -> bool {
        self.g.b.col == 1 && self.g.n.is_multiple_of(S::LANES) && !self.g.b.row.is_multiple_of(CONFLICT)
    }

    /// Adds these steps to rows of C from `top` on, with B as it was packed or as it lies.
    fn band(&self, top: usize, packed: Option<&[f32]>, c: &mut [f32]) {
        let Gemm { n, c: Layout { row, .. }, .. } = *self.g;
        let rows = (c.len() - n) / row + 1;
        let mut near = Buffer::default();
        for (piece, pieces) in split(self.steps.div_ceil(self.piece), STEPS / self.piece) {
            let from = piece * self.piece;
            let steps = (self.steps - from).min(pieces * self.piece);
            let left = self.left([top, rows], [self.first + from, steps], &mut near);
            let ahead = self.ahead([top, rows], [from, steps]);
            for (number, panel) in self.panels.iter().enumerate() {
                let (mut runs, count) = match packed {
                    Some(_) => self.runs(panel, [from, steps]),
                    None => self.run(panel, [from, steps]),
                };
                runs.iter_mut().enumerate().for_each(|(i, run)| run.a = left.from + i * self.piece * left.step);
                let strip = Strip {
                    rows,
                    vectors: panel.vectors,
                    cols: panel.cols,
                    a_row: left.row,
                    a_step: left.step,
                    a_tile: left.tile,
                    b_step: if packed.is_some() { panel.vectors * S::LANES } else { self.g.b.row },
                    c_row: row,
                    add: self.g.add || self.first + from > 0,
                    ahead: ahead.part(number, self.panels.len()),
                };
                self.simd.strip(&strip, &runs[..count], left.values, packed.unwrap_or(self.b), &mut c[panel.first..]);
            }
        }
        if let Some(then) = self.then {
            then(top, c);
        }
    }

    /// The pieces of some steps as they lie in the packed B, and how many there are.
    fn runs(&self, panel: &Panel, [from, steps]: [usize; 2]) -> ([Run; STEPS / PIECE], usize) {
        let run = |i: usize| {
            let len = self.piece.min(steps.saturating_sub(i * self.piece));
            Run { a: 0, b: (from + i * self.piece) * self.width + panel.first * len, len }
        };
        (std::array::from_fn(run), steps.div_ceil(self.piece))
    }

    /// Some steps as they lie in B itself.
    fn run(&self, panel: &Panel, [from, steps]: [usize; 2]) -> ([Run; STEPS / PIECE], usize) {
        let run = Run { a: 0, b: (self.first + from) * self.g.b.row + panel.first, len: steps };
        ([run; STEPS / PIECE], 1)
    }

    /// What is read of A after some steps of some rows: the next steps, or the first ones of the next rows.
    fn ahead(&self, [top, rows]: [usize; 2], [from, steps]: [usize; 2]) -> Ahead<'_> {
        let (Gemm { m, a: Layout { row, col, .. }, .. }, left) = (*self.g, self.steps - from - steps);
        let ([top, rows], [first, steps]) = match left {
            0 => ([top + rows, rows.min(m - top - rows)], [self.first, steps]),
            _ => ([top, rows], [self.first + from + steps, steps.min(left)]),
        };
        let (count, apart, len) = if row == 1 { (steps, col, rows) } else { (rows, row, steps) };
        let values = self.a.get(top * row + first * col..).unwrap_or_default();
        Ahead { values, count, apart, len }
    }

    /// Steps of rows of A: as they lie, or in `near` where the inner loop could not walk over them swiftly.
    fn left<'b>(&'b self, [top, rows]: [usize; 2], [first, steps]: [usize; 2], near: &'b mut Buffer) -> Left<'b> {
        let layout = self.g.a;
        let (most, from) = (S::rows(2), top * layout.row + first * layout.col);
        let near_enough = layout.row == 1 && steps * layout.col <= NEAR;
        if layout.col == 1 && !layout.row.is_multiple_of(CONFLICT) || near_enough {
            return Left { values: self.a, from, tile: None, row: layout.row, step: layout.col };
        }
        if layout.col == 1 {
            let apart = odd_lines(steps);
            let copies = near.reset(rows * apart).chunks_exact_mut(apart);
            copies.zip(self.a[from..].chunks(layout.row)).for_each(|(to, a)| to[..steps].copy_from_slice(&a[..steps]));
            return Left { values: near, from: 0, tile: None, row: apart, step: 1 };
        }
        let apart = odd_lines(pack::apart(steps, most, S::LANES));
        let out = near.reset(rows.div_ceil(most) * apart);
        self.simd.vectors(pack::Left { a: &self.a[from..], layout, rows, steps, most, apart, out });
        Left { values: near, from: 0, tile: Some(apart), row: 1, step: most }
    }
}

/// Rows of A as the inner loop walks over them.
struct Left<'a> {
    values: &'a [f32],
    /// Where the first row starts.
    from: usize,
    /// The distance from tile to tile, if it is not that of their rows.
    tile: Option<usize>,
    /// The distance from row to row.
    row: usize,
    /// The distance from step to step.
    step: usize,
}

/// Columns of A that take no more than this, and what lies between them, are in the nearest cache together.
const NEAR: usize = 1 << 13;
/// Rows at a multiple of this distance fight for the same cache lines.
const CONFLICT: usize = 512;
