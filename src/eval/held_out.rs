//! The penalty of a linear classifier, chosen on a part of the training rows that it has not learnt from.

use std::sync::Arc;

use super::features::Features;
use super::linear::{LinearClassifier, LinearProbe};
use super::logistic::Problem;
use super::whitening::Whitening;
use crate::catalog::{Arg, Config};

/// Of so many rows of a class one is held out; of fewer, but more than one, the last.
const EVERY: usize = 5;
/// The least candidate above 0 of a range that begins with 0.
const LEAST: f64 = 1e-6;

/// The penalties that `l2` names to choose from: the numbers of a list, the powers of ten within a range and its ends; none where it is
/// a single number.
pub(super) fn candidates(config: &Config) -> Vec<f64> {
    let l2 = config.arg("l2");
    if matches!(l2, Arg::Number(_)) {
        return Vec::new();
    }
    let mut all = named(l2);
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}

fn named(arg: &Arg) -> Vec<f64> {
    match arg {
        Arg::Number(x) => vec![*x],
        Arg::Range(low, high) => {
            let first = if *low > 0.0 { *low } else { LEAST.min(*high) };
            let powers = (-12..=6).map(|power| 10f64.powi(power)).filter(|x| first < *x && x < high);
            [*low, first, *high].into_iter().chain(powers).collect()
        }
        Arg::List(items) => items.iter().flat_map(named).collect(),
        Arg::None | Arg::Bool(_) | Arg::Text(_) | Arg::Schedule(_) | Arg::Config(_) => Vec::new(),
    }
}

/// Which rows are held out: of each class every fifth.
pub fn held_out(labels: &[u32]) -> Vec<bool> {
    let classes = labels.iter().max().map_or(0, |&l| l as usize + 1);
    let (mut all, mut seen) = (vec![0; classes], vec![0; classes]);
    labels.iter().for_each(|&label| all[label as usize] += 1);
    let is_out = |&label: &u32| {
        let (count, place) = (all[label as usize], &mut seen[label as usize]);
        *place += 1;
        *place % EVERY == 0 || (2..EVERY).contains(&count) && *place == count
    };
    labels.iter().map(is_out).collect()
}

/// The candidate by which most of the rows that are held out are told right, the largest of equals; the largest of all where no row can
/// be held out. Features are whitened by what is given, or else by the rows that are not held out.
pub(super) fn choose(
    train: Features<'_>,
    whitening: Option<&Arc<Whitening>>,
    settings: LinearProbe,
    candidates: &[f64],
) -> f64 {
    let out = held_out(train.labels);
    let part = |which: bool| {
        let rows = train.values.chunks_exact(train.dim.max(1)).zip(train.labels).zip(&out);
        let rows = rows.filter(|(_, out)| **out == which).map(|(row, _)| row);
        let (values, labels): (Vec<&[f32]>, Vec<u32>) = rows.map(|(row, label)| (row, *label)).unzip();
        (values.concat(), labels)
    };
    let ((values, labels), (held, held_labels)) = (part(false), part(true));
    let largest = candidates.iter().copied().fold(0.0, f64::max);
    if labels.is_empty() || held_labels.is_empty() {
        return largest;
    }
    let (kept, held) = (Features::new(&values, &labels, train.dim), Features::new(&held, &held_labels, train.dim));
    let whitening = whitening.cloned();
    let whitening = whitening.unwrap_or_else(|| Arc::new(Whitening::fit(kept.values, kept.dim, settings.min_variance)));
    let mut problem = Problem::within(whitening, kept, 0.0);
    let (mut best, mut most) = (largest, f64::NEG_INFINITY);
    for &l2 in candidates.iter().rev() {
        problem.l2 = l2;
        let accuracy = LinearClassifier::of(&problem, settings.iterations, kept).accuracy(held);
        if accuracy > most {
            (best, most) = (l2, accuracy);
        }
    }
    best
}
