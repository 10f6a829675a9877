//! `inverse`: everything but one block is hidden.

use super::{Block, DataError, Drawn, Grid, Layout, MaskKind, Pattern, share};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::random::Rng;

/// The word `inverse`.
pub(super) const WORD: MaskKind = MaskKind {
    entry: Entry {
        name: "inverse",
        kind: Kind::Mask,
        params: &[
            Param::optional(
                "aspect",
                ParamType::Range { min: 0.01, max: 100.0 },
                "0.5..2",
                "The block's height over its width, uniform in the logarithm.",
            ),
            Param::optional(
                "roll",
                ParamType::Bool,
                "true",
                "Whether the block may go over the edges, to the other side.",
            ),
        ],
        formula: "T - floor(T * (1 - ratio)) of the T patches: all but one block",
        doc: "What stays visible is one block (Darcet et al. 2025). The smallest block of its aspect that \
              holds enough patches, less some of its last row or column, so that the count is exact.",
    },
    build: |config| {
        let aspect = config.range("aspect").unwrap_or((0.5, 2.0));
        Ok(Box::new(Inverse { log_aspect: (aspect.0.ln(), aspect.1.ln()), roll: config.bool("roll") }))
    },
};

struct Inverse {
    log_aspect: (f64, f64),
    roll: bool,
}

impl Pattern for Inverse {
    fn hidden(&self, grid: Grid, ratio: f64) -> Result<Option<usize>, DataError> {
        Ok(Some(share(grid.count(), ratio)))
    }

    fn draw(&self, layout: &Layout, ratio: f64, rng: &mut Rng) -> Drawn {
        let grid = layout.grid;
        let kept = grid.count() - share(grid.count(), ratio);
        let aspect = rng.range(self.log_aspect.0, self.log_aspect.1).exp();
        let (height, width) = sides(grid, kept, aspect);
        let (edges, surplus) = (Grid { rows: height, columns: width }, height * width - kept);
        // Both sides are as short as they can be, so the surplus is less than a row and less than a column.
        let last_row = rng.chance(0.5);
        let dropped = |y: usize, x: usize| {
            let (line, place) = if last_row { (y + 1 == height, x) } else { (x + 1 == width, y) };
            line && place < surplus
        };
        let block = if self.roll {
            Block { top: rng.below(grid.rows), left: rng.below(grid.columns), height, width }
        } else {
            Block::place(grid, (height, width), rng)
        };
        let mut hidden = vec![true; grid.count()];
        for i in 0..edges.count() {
            let (y, x) = (i / width, i % width);
            if !dropped(y, x) {
                hidden[(block.top + y) % grid.rows * grid.columns + (block.left + x) % grid.columns] = false;
            }
        }
        Drawn { hidden, targets: Vec::new() }
    }
}

/// Height and width of a block of about that aspect that holds `count` patches, and would not with a row or a column less.
fn sides(grid: Grid, count: usize, aspect: f64) -> (usize, usize) {
    let ceil = |a: usize, b: usize| a.div_ceil(b.max(1));
    let shortest = ceil(count, grid.columns).max(1);
    let wanted = ((count as f64 * aspect).sqrt().round_ties_even() as usize).clamp(shortest, grid.rows.max(shortest));
    let width = ceil(count, wanted).max(1);
    (ceil(count, width).max(1), width)
}
