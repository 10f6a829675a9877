//! Running statistics of an encoder that nothing has trained: they have seen data as those of the trained one have.

use std::sync::Arc;

use super::learner::{inputs_of, sizes};
use super::{TrainError, loader};
use crate::check::{Encoder, Recipe};
use crate::compile::Program;
use crate::data::DataSet;
use crate::exec::{self, EngineKind, Feed, Store};
use crate::graph::{NodeId, Update};

/// Batches that the statistics see: what they started from then counts for less than a ten-thousandth.
const BATCHES: usize = 100;

/// The parameters and states of a recipe before its first step, with the encoder's running statistics moved by batches of the training split
/// as training would, and nothing trained.
pub fn calibrate(
    recipe: &Recipe,
    encoder: &Encoder,
    train: &Arc<dyn DataSet>,
    kind: EngineKind,
    seed: u64,
) -> Result<Store, TrainError> {
    let batch = recipe.train.batch.min(train.len());
    let size = sizes(batch, train.len());
    let mut store = Store::new(&recipe.graph, &size, seed)?;
    let read = |name: &str| encoder.graph.states.iter().any(|s| s.name == name);
    let name = |u: &Update| recipe.graph.states[u.state.index()].name.clone();
    let updates = recipe.graph.updates.iter().map(|u| (name(u), u.value)).filter(|(name, _)| read(name));
    let (names, values): (Vec<String>, Vec<NodeId>) = updates.unzip();
    if names.is_empty() {
        return Ok(store);
    }
    let loader = loader(recipe, train, batch, seed)?;
    let program = Program::forward(recipe.graph.clone(), values).wishing(recipe.train.wishes);
    let mut engine = exec::engine::<f32>(kind, &program, &size)?;
    let scalars: Vec<f64> = recipe.graph.scalars.iter().map(|s| s.schedule.at(0, 1, 1)).collect();
    for (step, batch) in loader.steps(0..BATCHES).enumerate() {
        let batch = batch?;
        let known = inputs_of(&recipe.graph, &batch)?;
        let (inputs, scalars, step) = (known.feed(), scalars.clone(), step as u64);
        engine.run(&mut store, &Feed { inputs, scalars, step, seed, ..Feed::default() })?;
        for (i, name) in names.iter().enumerate() {
            store.named_mut(name).into_iter().for_each(|mine| mine.copy_from_slice(engine.output(i)));
        }
        loader.recycle(batch);
    }
    Ok(store)
}
