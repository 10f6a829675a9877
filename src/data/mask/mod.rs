//! Masks: which patches of a view are hidden, drawn like augmentations but kept beside the pixels. One file a kind.

mod blockwise;
mod inverse;
mod multiblock;
mod random;
mod ratio;
mod rows;

pub use ratio::Ratio;
pub use rows::MaskRows;

use super::DataError;
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::random::Rng;

/// The last step of a pipeline that hides patches.
pub static ENTRY: Entry = Entry {
    name: "mask",
    kind: Kind::Augmentation,
    params: &[
        Param::required("kind", ParamType::Word(Kind::Mask), "How patches are chosen, such as `random`."),
        Param::optional(
            "ratio",
            ParamType::Amount { min: 0.0, max: 1.0 },
            "none",
            "The share of patches that is hidden: a number, a range to draw from, or a list of these to choose from.",
        ),
        Param::optional("patch", ParamType::Int { min: 1, max: 1024 }, "4", "The side of a patch in pixels."),
        Param::optional("chance", super::augment::CHANCE, "1", "How likely a sample is masked at all."),
        Param::optional("shared", ParamType::Bool, "false", "Whether all samples of a batch have the same mask."),
    ],
    formula: "[H, W, 3] -> the same pixels; beside them mask [H / patch * W / patch]",
    doc: "Hides patches of a view: its pixels stay as they are, and `u.mask`, `u.visible`, `u.hidden` say which patches \
          are hidden. The last step of a pipeline.",
};

/// A kind of mask: its word, and how it is made from its arguments.
pub struct MaskKind {
    /// Its signature and documentation.
    pub entry: Entry,
    build: fn(&Config) -> Result<Box<dyn Pattern>, DataError>,
}

/// Every kind of mask there is.
pub static KINDS: &[&MaskKind] = &[&random::WORD, &blockwise::WORD, &inverse::WORD, &multiblock::WORD];

/// The patches of a view, in rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Patches from top to bottom.
    pub rows: usize,
    /// Patches from left to right.
    pub columns: usize,
}

impl Grid {
    /// How many patches there are.
    pub fn count(self) -> usize {
        self.rows * self.columns
    }
}

/// What is known of a view's masks before they are drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Its patches.
    pub grid: Grid,
    /// The side of a patch in pixels.
    pub patch: usize,
    /// How many are hidden, where that is always the same.
    pub hidden: Option<usize>,
    /// How many targets there are.
    pub targets: usize,
    /// How many patches each target has.
    pub target_size: usize,
}

impl Layout {
    /// How many patches are visible, where that is always the same.
    pub fn visible(&self) -> Option<usize> {
        self.hidden.map(|hidden| self.grid.count() - hidden)
    }
}

/// One mask as drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawn {
    /// Whether each patch is hidden, row by row.
    pub hidden: Vec<bool>,
    /// The patches of each target, in ascending order.
    pub targets: Vec<Vec<usize>>,
}

/// How the hidden patches are chosen.
trait Pattern: Send + Sync {
    /// How many patches are hidden for that ratio, where that is always the same; an error where the grid or the ratio
    /// does not fit.
    fn hidden(&self, grid: Grid, ratio: f64) -> Result<Option<usize>, DataError>;

    /// Draws a mask that hides that share of the patches.
    fn draw(&self, layout: &Layout, ratio: f64, rng: &mut Rng) -> Drawn;

    /// How many targets there are and how many patches each has; `None` for a kind without, which needs a ratio.
    fn targets(&self, _: Grid) -> Option<(usize, usize)> {
        None
    }
}

/// A configured mask.
pub struct Mask {
    pattern: Box<dyn Pattern>,
    ratio: Option<Ratio>,
    chance: f64,
    patch: usize,
    /// Whether all samples of a batch have the same mask.
    pub shared: bool,
}

impl Mask {
    /// The mask that a call of `mask` describes.
    pub fn build(config: &Config) -> Result<Self, DataError> {
        let wrong = |message: &str| Err(DataError::new(message));
        let crate::catalog::Arg::Config(kind) = config.arg("kind") else { return wrong("`mask` needs one kind") };
        let word = KINDS.iter().find(|k| kind.is(&k.entry));
        let Some(word) = word else { return wrong("`mask` needs a kind such as `random`") };
        let pattern = (word.build)(kind)?;
        Ok(Self {
            pattern,
            ratio: Ratio::from_arg(config.arg("ratio")),
            chance: config.number("chance"),
            patch: config.int("patch").max(1),
            shared: config.bool("shared"),
        })
    }

    /// What is known of the masks of a view of this height and width; an error where they cannot be drawn.
    pub fn layout(&self, (height, width): (usize, usize)) -> Result<Layout, DataError> {
        let patch = self.patch;
        if height % patch != 0 || width % patch != 0 || height * width == 0 {
            let message = format!("a view of {height}x{width} cannot be cut into patches of {patch}x{patch}");
            return Err(DataError::new(message).help("`mask` takes the side of a patch as `patch`"));
        }
        let grid = Grid { rows: height / patch, columns: width / patch };
        let targets = self.pattern.targets(grid);
        let (hidden, (targets, target_size)) = match (&self.ratio, targets) {
            (Some(ratio), None) => (self.constant(grid, ratio)?, (0, 0)),
            (None, Some(sizes)) => {
                if self.chance < 1.0 {
                    return Err(DataError::new(
                        "a mask with targets hides patches of every sample: leave out `chance`",
                    ));
                }
                (self.pattern.hidden(grid, 0.0)?, sizes)
            }
            (None, None) => {
                let help = "as in `mask(random, ratio: 0.75)`";
                return Err(DataError::new("this kind of mask needs a `ratio`: the share of hidden patches").help(help));
            }
            (Some(_), Some(_)) => return Err(DataError::new("this kind of mask takes no `ratio`: its blocks say it")),
        };
        Ok(Layout { grid, patch, hidden, targets, target_size })
    }

    /// The number of hidden patches, if every draw hides as many.
    fn constant(&self, grid: Grid, ratio: &Ratio) -> Result<Option<usize>, DataError> {
        let (low, high) = ratio.bounds();
        let (low, high) = (self.pattern.hidden(grid, low)?, self.pattern.hidden(grid, high)?);
        Ok(low.filter(|_| low == high && self.chance >= 1.0))
    }

    /// Draws the mask of one sample, or of a batch that shares it, for a view of that layout.
    pub fn draw(&self, layout: &Layout, rng: &mut Rng) -> Drawn {
        let ratio = self.ratio.as_ref().map_or(0.0, |ratio| ratio.draw(rng));
        if self.chance < 1.0 && !rng.chance(self.chance) {
            return Drawn { hidden: vec![false; layout.grid.count()], targets: Vec::new() };
        }
        self.pattern.draw(layout, ratio, rng)
    }
}

/// How many of `count` things a share of them is, visible ones rounded down: a quarter of 49 is 12, so three quarters
/// are 37.
fn share(count: usize, ratio: f64) -> usize {
    // A share such as 1 - 0.9 is a hair less than it is written; what is whole must stay so.
    let visible = (count as f64 * (1.0 - ratio) + 1e-9).floor() as usize;
    count - visible.min(count)
}

/// Where a block of patches lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Block {
    top: usize,
    left: usize,
    height: usize,
    width: usize,
}

impl Block {
    /// A place for a block of that height and width, which fits into the grid.
    fn place(grid: Grid, (height, width): (usize, usize), rng: &mut Rng) -> Self {
        Block { top: rng.below(grid.rows - height + 1), left: rng.below(grid.columns - width + 1), height, width }
    }

    /// Whether the patch of that number is one of its own.
    fn holds(self, grid: Grid, patch: usize) -> bool {
        let (y, x) = (patch / grid.columns, patch % grid.columns);
        (self.top..self.top + self.height).contains(&y) && (self.left..self.left + self.width).contains(&x)
    }

    /// The numbers of its patches in ascending order.
    fn patches(self, grid: Grid) -> impl Iterator<Item = usize> {
        let row = move |y: usize| (self.left..self.left + self.width).map(move |x| y * grid.columns + x);
        (self.top..self.top + self.height).flat_map(row)
    }
}
