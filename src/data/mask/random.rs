//! `random`: every set of patches of that size is equally likely.

use super::{DataError, Drawn, Grid, Layout, MaskKind, Pattern, share};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::random::Rng;

/// The word `random`.
pub(super) static WORD: MaskKind = MaskKind {
    entry: Entry {
        name: "random",
        kind: Kind::Mask,
        params: &[Param::optional(
            "unit",
            ParamType::Int { min: 1, max: 1024 },
            "1",
            "Patches are hidden in squares of this side, counted in patches.",
        )],
        formula: "T - floor(T * (1 - ratio)) of the T patches, or of the T squares",
        doc: "Single patches, every choice equally likely (He et al. 2022, section 3); with `unit`, whole squares of them \
              (Xie et al. 2022, section 3.2).",
    },
    build: |config| Ok(Box::new(Random { unit: config.int("unit").max(1) })),
};

/// Squares of `unit` by `unit` patches, at random.
struct Random {
    unit: usize,
}

impl Random {
    fn squares(&self, grid: Grid) -> Grid {
        Grid { rows: grid.rows / self.unit, columns: grid.columns / self.unit }
    }
}

impl Pattern for Random {
    fn hidden(&self, grid: Grid, ratio: f64) -> Result<Option<usize>, DataError> {
        let (unit, Grid { rows, columns }) = (self.unit, grid);
        if rows % unit != 0 || columns % unit != 0 {
            let message = format!("{rows}x{columns} patches cannot be cut into squares of {unit}x{unit} patches");
            return Err(DataError::new(message).help("`random` takes the side of a square in patches as `unit`"));
        }
        Ok(Some(share(self.squares(grid).count(), ratio) * unit * unit))
    }

    fn draw(&self, layout: &Layout, ratio: f64, rng: &mut Rng) -> Drawn {
        let grid = layout.grid;
        let squares = self.squares(grid);
        let chosen = rng.permutation(squares.count());
        let mut square = vec![false; squares.count()];
        chosen[..share(squares.count(), ratio)].iter().for_each(|&i| square[i] = true);
        let at = |i: usize| {
            let (y, x) = (i / grid.columns / self.unit, i % grid.columns / self.unit);
            square[y * squares.columns + x]
        };
        Drawn { hidden: (0..grid.count()).map(at).collect(), targets: Vec::new() }
    }
}
