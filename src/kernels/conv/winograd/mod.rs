//! Convolution with 3 x 3 kernels in tiles of 4 x 4 outputs by F(4 x 4, 3 x 3): 36 products in place of 144.
//!
//! For each tile the input is transformed to 36 planes, each plane is multiplied with the weight's plane (products of matrices over
//! tiles and channels), and the planes of products are transformed back. The gradient of the input is such a convolution too.
mod blocks;
mod gradient;
mod points;
mod transform;
mod weights;

pub use self::gradient::WeightGrad;

use self::blocks::{Block, Map};
use self::transform::{PLANES, SIDE, Spot, input_tile, output_tile};
use self::weights::{Transformed, Weight};
use super::Conv2d;
use crate::kernels::panels::{Panel, panels};
use crate::kernels::parallel;
use crate::kernels::scratch::{Buffer, odd_lines};
use crate::kernels::tile::{Ahead, Run, Simd, Strip, Task};

/// Whether this way suits the sizes: whole vectors of channels, and products saved. On maps of few pixels most taps fall outside the
/// image, which costs the direct way nothing.
pub fn suits(cfg: &Conv2d) -> bool {
    let three = (cfg.kh, cfg.kw, cfg.stride, cfg.padding, cfg.groups) == (3, 3, 1, 1, 1);
    let tiles = cfg.h.div_ceil(SIDE) * cfg.w.div_ceil(SIDE);
    let direct = (3 * cfg.h - 2) * (3 * cfg.w - 2);
    three && cfg.ci.is_multiple_of(16) && cfg.co.is_multiple_of(16) && 3 * tiles * PLANES <= 2 * direct
}

/// y = conv(x, w), where both may be those of a gradient.
pub struct Winograd<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    weight: Weight<'a>,
    map: Map,
}

impl<'a> Winograd<'a> {
    /// y = conv(x, w).
    pub fn forward(cfg: &Conv2d, x: &'a [f32], w: &'a [f32], y: &'a mut [f32]) -> Self {
        let map = Map { h: cfg.h, w: cfg.w, ci: cfg.ci, co: cfg.co };
        let weight = Weight { w, per_input: 9, per_output: 9 * cfg.ci, flip: false, inputs: cfg.ci };
        Winograd { x, y, weight, map }
    }

    /// dx, given dy.
    pub fn input_grad(cfg: &Conv2d, dy: &'a [f32], w: &'a [f32], dx: &'a mut [f32]) -> Self {
        let map = Map { h: cfg.h, w: cfg.w, ci: cfg.co, co: cfg.ci };
        let weight = Weight { w, per_input: 9 * cfg.ci, per_output: 9, flip: true, inputs: cfg.co };
        Winograd { x: dy, y: dx, weight, map }
    }
}

/// Values of the transformed input that a core keeps close.
const NEAR: usize = 96 * 1024;
/// Values of a transformed weight beyond which it is better read once for many tiles.
const LARGE: usize = 36 * 160 * 160;
/// Values of the transformed input that are worked on together then.
const TOGETHER: usize = 1 << 22;

impl Task for Winograd<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let panels = panels(self.map.co, S::LANES);
        let weight = Transformed::new(simd, self.weight, &panels);
        let job = Job { simd, x: self.x, map: self.map, panels: &panels, weight: &weight };
        let aim = (NEAR / (PLANES * self.map.ci)).clamp(12, 64);
        let blocks = self.map.blocks_of(self.y, aim);
        if PLANES * self.map.ci * self.map.co <= LARGE {
            parallel::each_with(blocks, Default::default, |(v, m), (block, y)| job.block(block, y, v, m));
        } else {
            job.in_stages(blocks);
        }
    }
}

/// What every piece of work reads.
struct Job<'a, S> {
    simd: S,
    x: &'a [f32],
    map: Map,
    panels: &'a [Panel],
    weight: &'a Transformed,
}

impl<S: Simd> Job<'_, S> {
    /// The distance of tiles in a plane of the transformed input.
    fn input_row(&self) -> usize {
        odd_lines(self.map.ci)
    }

    /// Computes a block of tiles: everything stays in the core's own cache.
    fn block(&self, block: Block, y: &mut [f32], v: &mut Buffer, m: &mut Buffer) {
        let tiles = self.map.tiles(block);
        self.transform(block, v.reset(PLANES * odd_lines(tiles * self.input_row())));
        for (p, panel) in self.panels.iter().enumerate() {
            let apart = odd_lines(tiles * panel.vectors * S::LANES);
            let products = m.reset(PLANES * apart);
            for (plane, m) in products.chunks_exact_mut(apart).enumerate() {
                self.multiply(v, tiles, p, plane, m);
            }
            self.transform_back(block, products, apart, panel, y);
        }
    }

    /// Computes many blocks in stages, so that the transformed weight is read once for all of them.
    fn in_stages(&self, mut blocks: Vec<(Block, &mut [f32])>) {
        let largest = blocks.iter().map(|(block, _)| self.map.tiles(*block)).max().unwrap_or(0);
        let input = PLANES * odd_lines(largest * self.input_row());
        while !blocks.is_empty() {
            let taken = blocks.split_off(blocks.len() - blocks.len().min((TOGETHER / input).max(1)));
            let mut planes = Buffer::default();
            let planes = planes.reset(input * taken.len());
            parallel::each(planes.chunks_exact_mut(input).zip(&taken), |(v, (block, _))| self.transform(*block, v));
            self.multiply_back(planes, input, largest, taken);
        }
    }

    /// The second and third stages: products of every panel and plane, then blocks of outputs.
    fn multiply_back(&self, v: &[f32], input: usize, largest: usize, blocks: Vec<(Block, &mut [f32])>) {
        let apart = odd_lines(largest * blocks.len() * 2 * S::LANES);
        let mut m = Buffer::default();
        let products = m.reset(PLANES * apart * self.panels.len());
        parallel::each(products.chunks_exact_mut(apart).enumerate(), |(piece, m)| {
            let (p, plane) = (piece / PLANES, piece % PLANES);
            let width = self.panels[p].vectors * S::LANES;
            for (n, (block, _)) in blocks.iter().enumerate() {
                let (v, m) = (&v[n * input..][..input], &mut m[n * largest * width..]);
                self.multiply(v, self.map.tiles(*block), p, plane, m);
            }
        });
        let products = &*products;
        parallel::each(blocks.into_iter().enumerate(), |(n, (block, y))| {
            for (panel, m) in self.panels.iter().zip(products.chunks_exact(PLANES * apart)) {
                self.transform_back(block, &m[n * largest * panel.vectors * S::LANES..], apart, panel, y);
            }
        });
    }

    /// Transforms the input of a block.
    fn transform(&self, block: Block, v: &mut [f32]) {
        let Map { h, w, ci, .. } = self.map;
        let (row, apart) = (self.input_row(), odd_lines(self.map.tiles(block) * self.input_row()));
        for (t, (image, y, x)) in block.tiles(self.map.tile_columns()).enumerate() {
            let spot = Spot { h, w, c: ci, y: (y * SIDE) as isize - 1, x: (x * SIDE) as isize - 1 };
            input_tile(self.simd, &self.x[image * h * w * ci..][..h * w * ci], spot, &mut v[t * row..], apart);
        }
    }

    /// Multiplies one plane of a block's transformed input with one panel of the weight's.
    fn multiply(&self, v: &[f32], tiles: usize, panel: usize, plane: usize, m: &mut [f32]) {
        let row = self.input_row();
        let v = &v[plane * odd_lines(tiles * row)..];
        let (weight, vectors) = (&self.weight.panel(panel)[plane * self.weight.plane..], self.panels[panel].vectors);
        let width = vectors * S::LANES;
        let strip = Strip {
            rows: tiles,
            vectors,
            cols: width,
            a_row: row,
            a_step: 1,
            a_tile: None,
            b_step: width,
            c_row: width,
            add: false,
            ahead: Ahead::default(),
        };
        self.simd.strip(&strip, &[Run { a: 0, b: 0, len: self.map.ci }], v, weight, m);
    }

    /// Transforms a panel of a block's products, planes `apart`, back to pixels of y.
    fn transform_back(&self, block: Block, m: &[f32], apart: usize, panel: &Panel, y: &mut [f32]) {
        let Map { w, co, .. } = self.map;
        let lines = y.len() / (w * co * block.images);
        let width = panel.vectors * S::LANES;
        for (t, (image, ty, tx)) in block.tiles(self.map.tile_columns()).enumerate() {
            let (y0, x0) = ((ty - block.first) * SIDE, tx * SIDE);
            let spot = Spot { h: lines, w, c: co, y: y0 as isize, x: x0 as isize };
            let y = &mut y[(image - block.image) * lines * w * co..][..lines * w * co];
            output_tile(self.simd, &m[t * width..], apart, (panel.first, width), y, spot);
        }
    }
}
