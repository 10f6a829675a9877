//! Products of f32 matrices by the inner loop of the convolutions.
mod pack;

use super::gemm::{Gemm, Layout};
use super::panels::{Panel, panels, split};
use super::parallel;
use super::scratch::{Buffer, odd_lines};
use super::tile::{Run, Simd, Task, Tile};

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
        let mut packed = Buffer::default();
        for (first, steps) in split(k, STEPS) {
            let then = self.then.filter(|_| first + steps == k);
            let piece = if self.parallel { PIECE } else { STEPS };
            let job = Job { simd, g: self.g, a: self.a, b: self.b, panels: &panels, first, steps, piece, then };
            let packed = packed.reset(job.width() * steps);
            let pieces = packed.chunks_mut(job.width() * piece).enumerate();
            if self.parallel {
                parallel::each(pieces, |(i, out)| job.pack(i * piece, out));
                let packed = &*packed;
                parallel::each(c.chunks_mut(rows * row).enumerate(), |(i, c)| job.band(i * rows, packed, c));
            } else {
                pieces.for_each(|(i, out)| job.pack(i * piece, out));
                c.chunks_mut(rows * row).enumerate().for_each(|(i, c)| job.band(i * rows, packed, c));
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
    first: usize,
    steps: usize,
    /// Steps of B that are packed in one piece.
    piece: usize,
    then: Option<&'a Then<'a>>,
}

impl<S: Simd> Job<'_, S> {
    /// Values of all panels in a step.
    fn width(&self) -> usize {
        self.panels.iter().map(|p| p.vectors * S::LANES).sum()
    }

    /// Packs a piece of B, steps from `from` on.
    fn pack(&self, from: usize, out: &mut [f32]) {
        let (steps, layout) = (out.len() / self.width(), self.g.b);
        let b = &self.b[(self.first + from) * layout.row..];
        self.simd.vectors(pack::Right { b, layout, panels: self.panels, steps, out });
    }

    /// Adds these steps to rows of C from `top` on.
    fn band(&self, top: usize, packed: &[f32], c: &mut [f32]) {
        let Gemm { n, c: Layout { row, .. }, .. } = *self.g;
        let rows = (c.len() - n) / row + 1;
        let mut near = Buffer::default();
        let left = self.left(top, rows, &mut near);
        for panel in self.panels {
            let (mut runs, pieces) = self.runs(panel);
            for (tile, at) in (0..rows).step_by(S::rows(2)).enumerate() {
                let from = left.from + tile * left.tile;
                runs.iter_mut().enumerate().for_each(|(i, run)| run.a = from + i * self.piece * left.step);
                let tile = Tile {
                    rows: S::rows(2).min(rows - at),
                    vectors: panel.vectors,
                    cols: panel.cols,
                    a_row: left.row,
                    a_step: left.step,
                    c_row: row,
                    add: self.g.add || self.first > 0,
                };
                self.simd.tile(&tile, &runs[..pieces], left.values, packed, &mut c[at * row + panel.first..]);
            }
        }
        if let Some(then) = self.then {
            then(top, c);
        }
    }

    /// The pieces of the sum as they lie in the packed B, and how many there are.
    fn runs(&self, panel: &Panel) -> ([Run; STEPS / PIECE], usize) {
        let run = |i: usize| {
            let len = self.piece.min(self.steps.saturating_sub(i * self.piece));
            Run { a: 0, b: i * self.piece * self.width() + panel.first * len, len }
        };
        (std::array::from_fn(run), self.steps.div_ceil(self.piece))
    }

    /// These steps of rows of A from `top` on: as they lie, or in `near` where the inner loop could not walk over them swiftly.
    fn left<'b>(&'b self, top: usize, rows: usize, near: &'b mut Buffer) -> Left<'b> {
        let layout = self.g.a;
        let (tile, from) = (S::rows(2), top * layout.row + self.first * layout.col);
        if layout.col == 1 && !layout.row.is_multiple_of(CONFLICT) {
            return Left { values: self.a, from, tile: tile * layout.row, row: layout.row, step: 1 };
        }
        if layout.col == 1 {
            let apart = odd_lines(self.steps);
            let copies = near.reset(rows * apart).chunks_exact_mut(apart);
            copies
                .zip(self.a[from..].chunks(layout.row))
                .for_each(|(to, a)| to[..self.steps].copy_from_slice(&a[..self.steps]));
            return Left { values: near, from: 0, tile: tile * apart, row: apart, step: 1 };
        }
        let apart = odd_lines(pack::apart(self.steps, tile, S::LANES));
        let out = near.reset(rows.div_ceil(tile) * apart);
        self.simd.vectors(pack::Left { a: &self.a[from..], layout, rows, steps: self.steps, tile, apart, out });
        Left { values: near, from: 0, tile: apart, row: 1, step: tile }
    }
}

/// Rows of A as the inner loop walks over them.
struct Left<'a> {
    values: &'a [f32],
    /// Where the first tile of rows starts.
    from: usize,
    /// The distance from tile to tile.
    tile: usize,
    /// The distance from row to row.
    row: usize,
    /// The distance from step to step.
    step: usize,
}

/// Rows at a multiple of this distance fight for the same cache lines.
const CONFLICT: usize = 512;
