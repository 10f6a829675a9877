//! What a recipe is trained on, batch by batch.

use std::sync::Arc;

use super::view_specs;
use crate::check::Recipe;
use crate::data::{DataError, DataSet, Loader, Read};
use crate::graph::{Dim, Input};

/// The batches that a recipe is trained on: its views, and the columns it reads.
pub fn loader(recipe: &Recipe, data: &Arc<dyn DataSet>, batch: usize, seed: u64) -> Result<Loader, DataError> {
    let read = |(place, input): (usize, &Input)| {
        let name = input.name.strip_prefix("batch.").unwrap_or(&input.name).to_owned();
        let width = input.ty.shape.0.iter().skip(1).filter_map(Dim::constant).product::<i64>() as usize;
        Read { place, name, width }
    };
    let columns = recipe.graph.columns().map(read).collect();
    Loader::reading(data.clone(), &view_specs(recipe), columns, batch, seed)
}
