//! `inverse`: everything but one block is hidden.

use super::{Block, DataError, Drawn, Grid, Layout, MaskKind, Pattern, share};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::random::Rng;

/// The word `inverse`.
pub(super) static WORD: MaskKind = MaskKind {
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
        doc: "What stays visible is one block (Darcet et al. 2025). Its sides are rounded up, and so many of its patches \
              count, row by row, as stay visible.",
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
        let block = Block::place(grid, self.sides(grid, kept, rng), rng);
        let shift = if self.roll { (rng.below(grid.rows), rng.below(grid.columns)) } else { (0, 0) };
        let mut hidden = vec![true; grid.count()];
        for patch in block.patches(grid).take(kept) {
            let (y, x) = (patch / grid.columns + shift.0, patch % grid.columns + shift.1);
            hidden[y % grid.rows * grid.columns + x % grid.columns] = false;
        }
        Drawn { hidden, targets: Vec::new() }
    }
}

impl Inverse {
    /// Height and width of a block of a random aspect that holds `count` patches and fits into the grid.
    fn sides(&self, grid: Grid, count: usize, rng: &mut Rng) -> (usize, usize) {
        let area = count as f64;
        let (flattest, steepest) =
            ((area / (grid.columns as f64).powi(2)).ln(), ((grid.rows as f64).powi(2) / area).ln());
        let (low, high) = (self.log_aspect.0.max(flattest), self.log_aspect.1.min(steepest));
        // Where no aspect that is asked for fits, the nearest that does.
        let log = if low < high { rng.range(low, high) } else { low.clamp(flattest, steepest.max(flattest)) };
        let side = |length: f64, most: usize| (length.sqrt().ceil() as usize).clamp(1, most);
        let height = side(area * log.exp(), grid.rows);
        (height, side(area / log.exp(), grid.columns).max(count.div_ceil(height)))
    }
}
