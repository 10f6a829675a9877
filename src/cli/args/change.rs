//! What the command line changes of a recipe.

use clap::Args as ClapArgs;

use crate::cli::units::size;
use crate::data::Access;

/// Changes to a recipe.
#[derive(Debug, Default, ClapArgs)]
pub struct ChangeArgs {
    /// Replaces a value of the recipe, as in `train.epochs=5` or `f.encoder.width=32`
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// The data set instead of the recipe's: a folder of pictures, or as in `shapes:train=2000,seed=1` or `'folder("photos", size: 64)'`
    #[arg(long, value_name = "SPEC")]
    pub data: Option<String>,
    /// How much memory decoded pictures may take, as in `500M` or `4G` [default: 2G]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub cache: Option<u64>,
    /// Stops at the first picture that cannot be used, instead of leaving it out
    #[arg(long)]
    pub strict: bool,
}

impl ChangeArgs {
    /// How files of pictures are read.
    pub fn access(&self) -> Access {
        let usual = Access::default();
        let said = self.cache.map(|cache| Access { cache, encoded: cache / 2, ..usual });
        Access { strict: self.strict, ..said.unwrap_or(usual) }
    }
}
