//! `multiblock`: several blocks as targets, and as context one large block without them.

use super::{Block, DataError, Drawn, Grid, Layout, MaskKind, Pattern};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::random::Rng;

const SHARE: ParamType = ParamType::Range { min: 1e-6, max: 1.0 };

/// The word `multiblock`.
pub(super) static WORD: MaskKind = MaskKind {
    entry: Entry {
        name: "multiblock",
        kind: Kind::Mask,
        params: &[
            Param::optional("targets", ParamType::Int { min: 1, max: 64 }, "4", "How many target blocks there are."),
            Param::optional("scale", SHARE, "0.15..0.2", "A target's share of the patches."),
            Param::optional(
                "aspect",
                ParamType::Range { min: 0.01, max: 100.0 },
                "0.75..1.5",
                "A target's height over its width.",
            ),
            Param::optional("context", SHARE, "0.85..1", "The share of the patches that the context block covers."),
            Param::optional(
                "visible",
                ParamType::Number { min: 1e-6, max: 1.0 },
                "none",
                "The share of the patches that stays visible; as many as the context always has when left out.",
            ),
        ],
        formula: "visible: some of the context block without the targets; targets[i]: the patches of a block",
        doc: "Blocks to be predicted, which may overlap, from one large block without them (Assran et al. 2023, section 3). \
              Every target has as many patches as the smallest scale, of a larger block the first. Visible patches are \
              chosen at random from the context, and where it has too few, from around it.",
    },
    build: |config| {
        Ok(Box::new(Multiblock {
            targets: config.int("targets").max(1),
            scale: config.range("scale").unwrap_or((0.15, 0.2)),
            aspect: config.range("aspect").unwrap_or((0.75, 1.5)),
            context: config.range("context").unwrap_or((0.85, 1.0)),
            visible: config.maybe_number("visible"),
        }))
    },
};

struct Multiblock {
    targets: usize,
    scale: (f64, f64),
    aspect: (f64, f64),
    context: (f64, f64),
    visible: Option<f64>,
}

impl Pattern for Multiblock {
    fn hidden(&self, grid: Grid, _: f64) -> Result<Option<usize>, DataError> {
        let (rows, columns, targets) = (grid.rows, grid.columns, self.targets);
        let free = grid.count().saturating_sub(targets * self.target_size(grid));
        match self.visible(grid) {
            0 => {
                let message = format!("{targets} targets in {rows}x{columns} patches may leave nothing visible");
                Err(DataError::new(message).help("give `multiblock` fewer or smaller targets, or a larger context"))
            }
            visible if visible > free => {
                let message = format!(
                    "{visible} patches shall be visible, but {targets} targets in {rows}x{columns} patches may leave only {free}"
                );
                Err(DataError::new(message).help("give `multiblock` a smaller share as `visible`, or smaller targets"))
            }
            visible => Ok(Some(grid.count() - visible)),
        }
    }

    fn draw(&self, layout: &Layout, _: f64, rng: &mut Rng) -> Drawn {
        let (grid, size) = (layout.grid, layout.target_size);
        let mut targets = Vec::new();
        for _ in 0..self.targets {
            let sides = self.target(layout, rng);
            targets.push(Block::place(grid, sides, rng).patches(grid).take(size).collect::<Vec<usize>>());
        }
        let area = area(grid, rng.range(self.context.0, self.context.1));
        let context = Block::place(grid, sides(grid, area, 1.0), rng);
        let mut free: Vec<usize> = (0..grid.count()).filter(|i| !targets.iter().any(|t| t.contains(i))).collect();
        rng.shuffle(&mut free);
        free.sort_by_key(|&i| !context.holds(grid, i));
        let mut hidden = vec![true; grid.count()];
        free.iter().take(layout.visible().unwrap_or(0)).for_each(|&i| hidden[i] = false);
        Drawn { hidden, targets }
    }

    fn targets(&self, grid: Grid) -> Option<(usize, usize)> {
        Some((self.targets, self.target_size(grid)))
    }
}

impl Multiblock {
    /// How many patches of a target count: as many as the smallest share.
    fn target_size(&self, grid: Grid) -> usize {
        let (tallest, widest) = most(grid);
        area(grid, self.scale.0).clamp(1, tallest * widest)
    }

    /// Height and width of a target, no smaller than all targets are.
    fn target(&self, layout: &Layout, rng: &mut Rng) -> (usize, usize) {
        let area = area(layout.grid, rng.range(self.scale.0, self.scale.1));
        let (mut height, mut width) = sides(layout.grid, area, rng.range(self.aspect.0, self.aspect.1));
        let (tallest, widest) = most(layout.grid);
        while height * width < layout.target_size {
            // Rounding has made it too small.
            if (height <= width && height < tallest) || width == widest { height += 1 } else { width += 1 }
        }
        (height, width)
    }

    /// How many patches are visible: the share that is asked for, or the fewest of the context that no target covers.
    fn visible(&self, grid: Grid) -> usize {
        if let Some(share) = self.visible {
            return area(grid, share).max(1);
        }
        let (height, width) = sides(grid, area(grid, self.context.0), 1.0);
        (height * width).saturating_sub(self.targets * self.target_size(grid))
    }
}

/// How many patches that share of the grid is.
fn area(grid: Grid, scale: f64) -> usize {
    (grid.count() as f64 * scale) as usize
}

/// Height and width of a block of about that area, shorter than the grid by one at least where that is possible, as in the
/// official code.
fn sides(grid: Grid, area: usize, aspect: f64) -> (usize, usize) {
    let (tallest, widest) = most(grid);
    let height = (area as f64 * aspect).sqrt().round_ties_even() as usize;
    let width = (area as f64 / aspect).sqrt().round_ties_even() as usize;
    (height.clamp(1, tallest), width.clamp(1, widest))
}

/// The largest height and width of a block.
fn most(grid: Grid) -> (usize, usize) {
    ((grid.rows - 1).max(1), (grid.columns - 1).max(1))
}
