//! The tensors of an exported encoder, by the names of its peer.

use std::collections::BTreeMap;

use crate::check::Encoder;
use crate::exec::Store;
use crate::graph::ops::tables::sincos;
use crate::nn::{Peer, Table, Transformer};
use crate::tensors::{Contents, Tensor};
use crate::weights::square_positions;

/// A tensor with its name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    pub name: String,
    pub shape: Vec<usize>,
    pub numbers: Vec<f32>,
}

impl Named {
    pub fn new(name: &str, shape: Vec<usize>, numbers: Vec<f32>) -> Self {
        Self { name: name.to_owned(), shape, numbers }
    }
}

/// The tensors of an encoder as its peer has them.
pub(super) fn of(peer: &Peer, encoder: &Encoder, store: Store) -> Result<Vec<Named>, String> {
    // What it follows, where it follows something, is there, too.
    let inner = |name: &'_ str| Some(name.strip_prefix(encoder.path.as_str())?.strip_prefix('.')?.to_owned());
    let own =
        store.into_buffers().filter_map(|(name, shape, numbers)| Some(Named { name: inner(&name)?, shape, numbers }));
    let mut tensors: Vec<Named> = own.collect();
    if let Peer::Vit(vit) = peer {
        positions(vit, encoder.size, &mut tensors)?;
    }
    Ok(tensors)
}

/// timm's table of positions: for the images that are judged, with rows for registers, which have none here.
fn positions(vit: &Transformer, (height, width): (usize, usize), tensors: &mut Vec<Named>) -> Result<(), String> {
    let grid = [height / vit.patch, width / vit.patch];
    let count = grid[0] * grid[1];
    let own = usize::from(vit.class);
    let known = tensors.iter().position(|tensor| tensor.name == "pos_embed").map(|at| tensors.remove(at));
    let (class, patches) = match (vit.positions, known) {
        (Table::Learnt, Some(table)) => {
            let before = own * vit.dim;
            let patches = if table.shape[1] == own + count {
                table.numbers[before..].to_vec()
            } else {
                square_positions(&table.numbers[before..], grid, vit.dim)
                    .ok_or("positions that are made for no square can't be interpolated")?
            };
            (table.numbers[..before].to_vec(), patches)
        }
        (Table::Sines, _) => {
            let base = vit.size.map_or(grid, |side| [side / vit.patch; 2]);
            (vec![0.0; own * vit.dim], sincos(grid, base, vit.dim).into_iter().map(|x| x as f32).collect())
        }
        _ => return Ok(()),
    };
    let numbers = [class, vec![0.0; vit.registers * vit.dim], patches].concat();
    tensors.push(Named::new("pos_embed", vec![1, own + vit.registers + count, vit.dim], numbers));
    Ok(())
}

/// A safetensors file of tensors.
pub(super) fn file<'t>(tensors: &'t [Named], said: &BTreeMap<&str, String>) -> Result<Contents<'t>, String> {
    let tensors = tensors.iter().map(|tensor| Tensor::single(&tensor.name, &tensor.shape, &tensor.numbers));
    Contents::new(tensors.collect(), said)
}
