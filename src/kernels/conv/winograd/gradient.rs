//! The gradient of the weight: transformed inputs times transformed gradients, summed over tiles plane by plane, then transformed to taps.
use super::blocks::{Block, Map};
use super::points;
use super::transform::{PLANES, SIDE, Spot, input_tile, output_grad_tile};
use crate::kernels::conv::Conv2d;
use crate::kernels::panels::{Panel, panels};
use crate::kernels::parallel;
use crate::kernels::scratch::{Buffer, odd_lines};
use crate::kernels::tile::{Ahead, Run, Simd, Strip, Task, Vector, VectorTask};

/// dw, given x and dy.
pub struct WeightGrad<'a> {
    /// The sizes.
    pub cfg: &'a Conv2d,
    /// The input.
    pub x: &'a [f32],
    /// The gradient of the output.
    pub dy: &'a [f32],
    /// The result.
    pub dw: &'a mut [f32],
}

/// Tiles that are transformed one after the other.
const BLOCK: usize = 16;
/// Values of transformed operands that are worked on together, about; and the fewest tiles.
const TOGETHER: usize = 1 << 21;
const FEWEST: usize = 128;

impl Task for WeightGrad<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let map = Map { h: self.cfg.h, w: self.cfg.w, ci: self.cfg.ci, co: self.cfg.co };
        let panels = panels(map.co, S::LANES);
        let job = Job { simd, x: self.x, dy: self.dy, map, panels: &panels };
        let sums = job.sums(self.cfg.n);
        job.taps(&sums, self.dw);
    }
}

/// What every piece of work reads.
struct Job<'a, S> {
    simd: S,
    x: &'a [f32],
    dy: &'a [f32],
    map: Map,
    panels: &'a [Panel],
}

/// A block of transformed tiles: planes of x, then for each panel of channels planes of dy.
#[derive(Clone, Copy)]
struct Layout {
    /// The distance of tiles of x.
    row: usize,
    /// The distance of planes of x.
    input: usize,
    /// The distance of planes of dy.
    output: usize,
}

impl<S: Simd> Job<'_, S> {
    fn layout(&self, tiles: usize) -> Layout {
        let row = odd_lines(self.map.ci);
        Layout { row, input: odd_lines(tiles * row), output: odd_lines(tiles * 2 * S::LANES) }
    }

    /// Sums over all tiles, `[panel][plane][input channel][output channel of the panel]`.
    fn sums(&self, images: usize) -> Buffer {
        let blocks = self.map.blocks(images, BLOCK);
        let largest = blocks.iter().map(|block| self.map.tiles(*block)).max().unwrap_or(1);
        let layout = self.layout(largest);
        let one = PLANES * (layout.input + layout.output * self.panels.len());
        let together = (TOGETHER / one).max(FEWEST.div_ceil(largest));
        let piece = self.map.ci * 2 * S::LANES;
        let (mut sums, mut operands) = (Buffer::default(), Buffer::default());
        let sums_of = sums.reset(piece * PLANES * self.panels.len());
        for (i, blocks) in blocks.chunks(together).enumerate() {
            let operands = operands.reset(one * blocks.len());
            parallel::each(operands.chunks_exact_mut(one).zip(blocks), |(out, block)| {
                self.transform(*block, layout, out);
            });
            let operands = &*operands;
            parallel::each(sums_of.chunks_exact_mut(piece).enumerate(), |(at, sums)| {
                self.multiply(blocks, operands, layout, (at / PLANES, at % PLANES), i > 0, sums);
            });
        }
        sums
    }

    /// Transforms the tiles of a block of both operands.
    fn transform(&self, block: Block, layout: Layout, out: &mut [f32]) {
        let Map { h, w, ci, co } = self.map;
        let (inputs, outputs) = out.split_at_mut(PLANES * layout.input);
        for (t, (image, ty, tx)) in block.tiles(self.map.tile_columns()).enumerate() {
            let (y, x) = ((ty * SIDE) as isize, (tx * SIDE) as isize);
            let spot = Spot { h, w, c: ci, y: y - 1, x: x - 1 };
            input_tile(
                self.simd,
                &self.x[image * h * w * ci..][..h * w * ci],
                spot,
                &mut inputs[t * layout.row..],
                layout.input,
            );
            let (spot, dy) = (Spot { c: co, y, x, ..spot }, &self.dy[image * h * w * co..][..h * w * co]);
            for (panel, planes) in self.panels.iter().zip(outputs.chunks_exact_mut(PLANES * layout.output)) {
                let width = panel.vectors * S::LANES;
                output_grad_tile(self.simd, dy, spot, (panel.first, width), &mut planes[t * width..], layout.output);
            }
        }
    }

    /// Sums of one plane and panel over some blocks.
    fn multiply(
        &self,
        blocks: &[Block],
        operands: &[f32],
        layout: Layout,
        (panel, plane): (usize, usize),
        add: bool,
        sums: &mut [f32],
    ) {
        let one = operands.len() / blocks.len();
        let vectors = self.panels[panel].vectors;
        let width = vectors * S::LANES;
        let before = PLANES * layout.input + (panel * PLANES + plane) * layout.output;
        let runs = blocks.iter().enumerate().map(|(n, block)| Run {
            a: n * one + plane * layout.input,
            b: n * one + before,
            len: self.map.tiles(*block),
        });
        let runs: Vec<Run> = runs.collect();
        let strip = Strip {
            rows: self.map.ci,
            vectors,
            cols: width,
            a_row: 1,
            a_step: layout.row,
            a_tile: None,
            b_step: width,
            c_row: width,
            add,
            ahead: Ahead::default(),
        };
        self.simd.strip(&strip, &runs, operands, operands, sums);
    }

    /// Transforms the sums to taps, in the layout of the weight.
    fn taps(&self, sums: &[f32], dw: &mut [f32]) {
        let ci = self.map.ci;
        let panel_sums = PLANES * ci * 2 * S::LANES;
        let pieces = dw.chunks_mut(2 * S::LANES * ci * 9).zip(self.panels).zip(sums.chunks_exact(panel_sums));
        parallel::each(pieces, |((dw, panel), sums)| {
            self.simd.vectors(Taps { sums, apart: ci * 2 * S::LANES, width: panel.vectors * S::LANES, ci, dw });
        });
    }
}

/// Transforms one panel's sums, planes `apart`, to taps.
struct Taps<'a> {
    sums: &'a [f32],
    apart: usize,
    width: usize,
    ci: usize,
    dw: &'a mut [f32],
}

impl VectorTask for Taps<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        for at in (0..self.ci * self.width).step_by(V::LANES) {
            let (i, o) = (at / self.width, at % self.width);
            let sums = &self.sums[at..][..(PLANES - 1) * self.apart + V::LANES];
            let mut taps = [[0.0f32; 16]; 9];
            // SAFETY: `sums` reaches to the last plane's vector, and `taps` holds 16 values a tap. (No closures: code in them would
            // not see the vector instructions.)
            unsafe {
                let mut rows = [[V::splat(0.0); 6]; 3];
                for x in 0..6 {
                    let mut column = [V::splat(0.0); 6];
                    for y in 0..6 {
                        column[y] = V::load(sums.as_ptr().add((y * 6 + x) * self.apart));
                    }
                    let column = points::weight_grad(column);
                    for y in 0..3 {
                        rows[y][x] = column[y];
                    }
                }
                for (y, &row) in rows.iter().enumerate() {
                    let row = points::weight_grad(row);
                    for (x, &value) in row.iter().enumerate() {
                        value.store(taps[y * 3 + x].as_mut_ptr());
                    }
                }
            }
            for lane in 0..V::LANES {
                let to = &mut self.dw[((o + lane) * self.ci + i) * 9..][..9];
                to.iter_mut().zip(&taps).for_each(|(to, tap)| *to = tap[lane]);
            }
        }
    }
}
