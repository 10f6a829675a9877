//! Where the tiles of images lie, and which of them are worked on together.
use super::transform::SIDE;
use crate::kernels::panels::split;

/// Sizes: images of h x w pixels, channels in and out.
#[derive(Clone, Copy)]
pub struct Map {
    /// Height.
    pub h: usize,
    /// Width.
    pub w: usize,
    /// Channels in.
    pub ci: usize,
    /// Channels out.
    pub co: usize,
}

/// Tiles of one piece of work: rows of tiles from `first` in an image, or whole images.
#[derive(Clone, Copy)]
pub struct Block {
    /// The first image.
    pub image: usize,
    /// Images.
    pub images: usize,
    /// The first row of tiles in each.
    pub first: usize,
    /// Rows of tiles in each.
    pub rows: usize,
}

impl Block {
    /// Every tile: (image, row, column).
    pub fn tiles(self, columns: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        (0..self.images * self.rows * columns).map(move |t| {
            let (x, y) = (t % columns, t / columns % self.rows);
            (self.image + t / columns / self.rows, self.first + y, x)
        })
    }
}

impl Map {
    /// Tiles side by side.
    pub fn tile_columns(&self) -> usize {
        self.w.div_ceil(SIDE)
    }

    /// Tiles of a block.
    pub fn tiles(&self, block: Block) -> usize {
        block.images * block.rows * self.tile_columns()
    }

    /// All tiles of so many images in blocks of about `aim`.
    pub fn blocks(&self, images: usize, aim: usize) -> Vec<Block> {
        let (rows, columns) = (self.h.div_ceil(SIDE), self.tile_columns());
        if rows * columns <= aim {
            let together = aim / (rows * columns);
            let block = |image| Block { image, images: together.min(images - image), first: 0, rows };
            return (0..images).step_by(together).map(block).collect();
        }
        let pieces = split(rows, (aim / columns).max(1));
        let block = |image| pieces.clone().map(move |(first, rows)| Block { image, images: 1, first, rows });
        (0..images).flat_map(block).collect()
    }

    /// The same blocks, each with its part of y.
    pub fn blocks_of<'y>(&self, y: &'y mut [f32], aim: usize) -> Vec<(Block, &'y mut [f32])> {
        let row = self.w * self.co;
        let mut rest = y;
        let blocks = self.blocks(rest.len() / (self.h * row), aim).into_iter().map(|block| {
            let lines = (block.rows * SIDE).min(self.h - block.first * SIDE);
            let (piece, later) = std::mem::take(&mut rest).split_at_mut(block.images * lines * row);
            rest = later;
            (block, piece)
        });
        blocks.collect()
    }
}
