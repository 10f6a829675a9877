//! `blockwise`: blocks of random area and aspect, until enough patches are hidden.

use super::{Block, DataError, Drawn, Grid, Layout, MaskKind, Pattern, share};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::random::Rng;

/// The word `blockwise`.
pub(super) static WORD: MaskKind = MaskKind {
    entry: Entry {
        name: "blockwise",
        kind: Kind::Mask,
        params: &[
            Param::optional(
                "aspect",
                ParamType::Range { min: 0.01, max: 100.0 },
                "0.3..3.3333333333333335",
                "A block's height over its width, uniform in the logarithm.",
            ),
            Param::optional(
                "min_block",
                ParamType::Int { min: 1, max: 1 << 20 },
                "4",
                "Patches of the smallest block.",
            ),
            Param::optional("attempts", ParamType::Int { min: 1, max: 1000 }, "10", "Tries to fit one more block."),
            Param::optional(
                "exact",
                ParamType::Bool,
                "false",
                "Whether single patches are added where blocks leave fewer hidden than asked for.",
            ),
        ],
        formula: "at most T - floor(T * (1 - ratio)) of the T patches; exactly as many with `exact: true`",
        doc: "Blocks of random area and aspect until enough patches are hidden (Bao et al. 2022, algorithm 1). When no block \
              fits any more, fewer are hidden than asked for, as in the official code.",
    },
    build: |config| {
        let aspect = config.range("aspect").unwrap_or((0.3, 1.0 / 0.3));
        Ok(Box::new(Blockwise {
            log_aspect: (aspect.0.ln(), aspect.1.ln()),
            smallest: config.number("min_block"),
            attempts: config.int("attempts").max(1),
            exact: config.bool("exact"),
        }))
    },
};

struct Blockwise {
    log_aspect: (f64, f64),
    smallest: f64,
    attempts: usize,
    exact: bool,
}

impl Pattern for Blockwise {
    fn hidden(&self, grid: Grid, ratio: f64) -> Result<Option<usize>, DataError> {
        Ok(self.exact.then(|| share(grid.count(), ratio)))
    }

    fn draw(&self, layout: &Layout, ratio: f64, rng: &mut Rng) -> Drawn {
        let grid = layout.grid;
        let wanted = share(grid.count(), ratio);
        let mut hidden = vec![false; grid.count()];
        let mut count = 0;
        while count < wanted {
            match self.add_block(grid, wanted - count, &mut hidden, rng) {
                0 => break,
                new => count += new,
            }
        }
        if self.exact {
            let mut rest: Vec<usize> = (0..hidden.len()).filter(|&i| !hidden[i]).collect();
            rng.shuffle(&mut rest);
            rest.iter().take(wanted - count).for_each(|&i| hidden[i] = true);
        }
        Drawn { hidden, targets: Vec::new() }
    }
}

impl Blockwise {
    /// Hides one more block that adds at least one and at most `room` patches; how many it added, 0 where none fits.
    fn add_block(&self, grid: Grid, room: usize, hidden: &mut [bool], rng: &mut Rng) -> usize {
        for _ in 0..self.attempts {
            let area = rng.range(self.smallest, room as f64);
            let aspect = rng.range(self.log_aspect.0, self.log_aspect.1).exp();
            let height = (area * aspect).sqrt().round_ties_even() as usize;
            let width = (area / aspect).sqrt().round_ties_even() as usize;
            if height >= grid.rows || width >= grid.columns {
                continue;
            }
            let block = Block::place(grid, (height, width), rng);
            let new = block.patches(grid).filter(|&i| !hidden[i]).count();
            if (1..=room).contains(&new) {
                block.patches(grid).for_each(|i| hidden[i] = true);
                return new;
            }
        }
        0
    }
}
