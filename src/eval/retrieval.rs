//! Retrieval: whether pictures find their texts, and texts their pictures.

use rayon::prelude::*;

use super::features::normalized;
use super::nearest::nearest;
use super::pair::{COLUMN, PICTURES, TEXTS};
use crate::catalog::{Entry, Kind};

/// The word `retrieval`.
pub static ENTRY: Entry = Entry {
    name: "retrieval",
    kind: Kind::Probe,
    params: &[PICTURES, TEXTS, COLUMN],
    formula: "recall at k = share of queries among whose k most similar (cosine) is one that belongs to them",
    doc: "Recall at 1 and at 5 on the test part: `text` of finding the text of a picture among all different texts, `picture` of \
          finding a picture of a text. Pictures of equal texts have one text, and a text all of its pictures.",
};

/// How far down the list is looked.
pub const DEPTHS: [usize; 2] = [1, 5];

/// Recall at each of [`DEPTHS`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recall {
    /// Of the texts of pictures.
    pub text: [f64; 2],
    /// Of the pictures of texts.
    pub picture: [f64; 2],
}

/// The recall of pictures `[P, dim]` and different texts `[T, dim]`, where `texts_of` says which text each picture has.
pub fn recall(pictures: &[f32], texts: &[f32], texts_of: &[usize], dim: usize) -> Recall {
    let (pictures, texts) = (normalized(pictures, dim), normalized(texts, dim));
    let count = texts.len() / dim.max(1);
    let text = shares(&pictures, &texts, dim, |picture, text| texts_of[picture] == text);
    let picture = shares(&texts, &pictures, dim, |text, picture| texts_of[picture] == text);
    if count == 0 { Recall { text: [f64::NAN; 2], picture: [f64::NAN; 2] } } else { Recall { text, picture } }
}

/// Queries that are compared at a time.
const SOME: usize = 256;

/// The share of queries among whose nearest is one that belongs to them, at each depth.
fn shares(queries: &[f32], known: &[f32], dim: usize, belongs: impl Fn(usize, usize) -> bool + Sync) -> [f64; 2] {
    let deepest = DEPTHS[DEPTHS.len() - 1];
    let rank = |(query, found): (usize, Vec<(f32, usize)>)| {
        let mut found = found;
        // The most similar first; of equals the earlier row.
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        found.iter().position(|(_, row)| belongs(query, *row))
    };
    let ranks: Vec<Option<usize>> = queries
        .par_chunks(SOME * dim.max(1))
        .enumerate()
        .flat_map_iter(|(block, some)| {
            let found = nearest(some, known, dim, deepest).enumerate();
            found.map(move |(i, found)| rank((block * SOME + i, found.iter().collect())))
        })
        .collect();
    DEPTHS.map(|depth| {
        let found = ranks.iter().filter(|rank| rank.is_some_and(|rank| rank < depth)).count();
        found as f64 / ranks.len().max(1) as f64
    })
}
