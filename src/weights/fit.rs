//! Which tensors of a file are those of an encoder: found by what fits, whatever stands before their names.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::file::{Stored, WeightsFile};
use super::layout::{LAYOUTS, Layout, without_chunks};

/// A tensor that is wanted, by its name within the encoder.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name, as `layer1.0.conv1.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// Where in a file an encoder lies, and by which names.
#[derive(Debug)]
pub(super) struct Place {
    /// What stands before the names; empty where nothing does.
    pub prefix: String,
    /// How the names are written.
    pub layout: &'static Layout,
    /// Other places that fit as well.
    pub others: Vec<String>,
}

/// Names as they are looked for, each with that in the file.
#[derive(Debug)]
pub(super) struct Names(BTreeMap<String, String>);

/// Names of more parts than this are not looked into.
const MOST_PARTS: usize = 32;

impl Names {
    /// The names of a file.
    pub fn of(file: &WeightsFile) -> Self {
        let known = |name: &str| (without_chunks(name).unwrap_or_else(|| name.to_owned()), name.to_owned());
        Self(file.names().map(known).collect())
    }

    /// What a name is in the file.
    pub fn real(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// As they are looked for, and as they are in the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, real)| (name.as_str(), real.as_str()))
    }

    /// Every end of a name, with what stands before it.
    fn ends(&self) -> HashMap<&str, Vec<&str>> {
        let mut ends: HashMap<&str, Vec<&str>> = HashMap::new();
        for name in self.0.keys().filter(|name| name.matches('.').count() < MOST_PARTS) {
            ends.entry(name).or_default().push("");
            for (at, _) in name.match_indices('.') {
                ends.entry(&name[at + 1..]).or_default().push(&name[..at]);
            }
        }
        ends
    }
}

/// `name` below `prefix`.
pub(super) fn below(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// Whether a stored tensor has a shape, but for dimensions of 1.
pub(super) fn has_shape(stored: &Stored, shape: &[usize]) -> bool {
    let without = |shape: &[usize]| shape.iter().copied().filter(|n| *n != 1).collect::<Vec<_>>();
    without(&stored.shape) == without(shape)
}

/// How well a place fits: tensors of the right name, and how many of these have the right shape.
type Score = (usize, usize);

/// The place where most of what is wanted lies; only at `at` where that is said. `None` where nothing does.
pub(super) fn place(file: &WeightsFile, names: &Names, wanted: &[Wanted], at: Option<&str>) -> Option<Place> {
    let ends = names.ends();
    let mut best: Option<(Score, Place)> = None;
    for layout in LAYOUTS {
        let mut scores = scores(file, names, wanted, layout, &ends);
        if let Some(at) = at {
            scores.retain(|prefix, _| *prefix == at);
        }
        let Some(score) = scores.values().max().copied() else { continue };
        let mut equal: Vec<&str> = scores.iter().filter(|(_, s)| **s == score).map(|(prefix, _)| *prefix).collect();
        equal.sort_by_key(|prefix| (role(prefix), prefix.len(), *prefix));
        let mut equal = equal.into_iter().map(str::to_owned);
        let Some(prefix) = equal.next() else { continue };
        if best.as_ref().is_none_or(|(known, _)| score > *known) {
            best = Some((score, Place { prefix, layout, others: equal.collect() }));
        }
    }
    best.map(|(_, place)| place)
}

/// How well each place fits by one layout.
fn scores<'n>(
    file: &WeightsFile,
    names: &Names,
    wanted: &[Wanted],
    layout: &Layout,
    ends: &HashMap<&'n str, Vec<&'n str>>,
) -> HashMap<&'n str, Score> {
    let mut scores: HashMap<&str, Score> = HashMap::new();
    for tensor in wanted {
        let mut found: BTreeMap<&str, bool> = BTreeMap::new();
        for parts in layout.theirs(&tensor.name) {
            for &prefix in ends.get(parts[0].as_str()).map_or(&[][..], Vec::as_slice) {
                let name = below(prefix, &parts[0]);
                let stored = names.real(&name).and_then(|real| file.get(real));
                // What is joined has another shape than its parts.
                let fits = parts.len() > 1 || stored.is_some_and(|stored| has_shape(stored, &tensor.shape));
                *found.entry(prefix).or_default() |= fits;
            }
        }
        for (prefix, fits) in found {
            let score = scores.entry(prefix).or_default();
            *score = (score.0 + 1, score.1 + usize::from(fits));
        }
    }
    scores
}

/// Among places that fit alike: averaged weights and teachers first, then those that are trained, then what follows them or is
/// followed.
fn role(prefix: &str) -> u8 {
    let words: BTreeSet<&str> = prefix.split(['.', '_']).collect();
    let has = |any: &[&str]| any.iter().any(|word| words.contains(word));
    if has(&["teacher", "ema"]) {
        0
    } else if has(&["student", "momentum", "k", "key", "target"]) {
        2
    } else {
        1
    }
}
