//! Parameters whose rows have length 1 at the start of every step.

use crate::exec::Store;
use crate::graph::{Graph, ParamId};

/// Puts the rows of the parameters that ask for it back to length 1; a row of zeros stays.
pub fn restore_unit_rows(graph: &Graph, store: &mut Store) {
    for (i, parameter) in graph.params.iter().enumerate().filter(|(_, p)| p.unit_rows) {
        let width = parameter.shape.last().copied().unwrap_or(1).max(1);
        let id = store.param(ParamId(i as u32));
        store.get_mut(id).chunks_mut(width).for_each(to_unit_length);
    }
}

fn to_unit_length(row: &mut [f32]) {
    let length = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt().max(1e-12);
    row.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
}
