//! Rotations of neighbouring coordinates, kept to be undone.

use rayon::prelude::*;

use crate::kernels::path::{Path, multiversion};

/// Rotations in the order in which they were made.
#[derive(Default)]
pub(super) struct Rotations {
    /// Cosine and sine of each.
    turns: Vec<[f64; 2]>,
    /// Where rows do not go down by one from a rotation to the next a sweep begins.
    sweeps: Vec<Sweep>,
}

/// Rotations of rows `low` to `high`, the last of them first.
#[derive(Clone, Copy)]
struct Sweep {
    low: usize,
    high: usize,
    /// Where the one of `high` stands.
    start: usize,
}

/// Vectors that one thread turns at a time: their coordinates of one number stand together.
const PANEL: usize = 32;
type Row = [f64; PANEL];

/// Sweeps that go over the rows one close behind the other, so that these stay near.
const GROUP: usize = 32;

impl Rotations {
    /// Adds the rotation of coordinates `row` and `row + 1`.
    pub fn push(&mut self, row: usize, cos: f64, sin: f64) {
        match self.sweeps.last_mut() {
            Some(sweep) if sweep.low == row + 1 => sweep.low = row,
            _ => self.sweeps.push(Sweep { low: row, high: row, start: self.turns.len() }),
        }
        self.turns.push([cos, sin]);
    }

    /// The unit vectors along some of `n` axes before any of the rotations, `[axes, n]`.
    pub fn undo(&self, n: usize, axes: &[usize]) -> Vec<f64> {
        // Neighbouring axes go together, since what was turned beyond the last of them does not concern them.
        let mut order: Vec<usize> = (0..axes.len()).collect();
        order.sort_by_key(|&i| axes[i]);
        let panels: Vec<Vec<Row>> = order.par_chunks(PANEL).map(|some| self.undo_panel(n, axes, some)).collect();
        let mut vectors = vec![0.0; axes.len() * n];
        for (place, &i) in order.iter().enumerate() {
            let column = panels[place / PANEL].iter().map(|row| row[place % PANEL]);
            vectors[i * n..(i + 1) * n].iter_mut().zip(column).for_each(|(v, x)| *v = x);
        }
        vectors
    }

    fn undo_panel(&self, n: usize, axes: &[usize], some: &[usize]) -> Vec<Row> {
        let mut panel = vec![[0.0; PANEL]; n];
        some.iter().enumerate().for_each(|(v, &i)| panel[axes[i]][v] = 1.0);
        let last = some.iter().map(|&i| axes[i]).max().unwrap_or(0);
        let concerned = self.sweeps.iter().rposition(|s| s.low <= last).map_or(0, |p| p + 1);
        for group in self.sweeps[..concerned].rchunks(GROUP) {
            undo_group(Path::current(), &mut panel, group, &self.turns);
        }
        panel
    }
}

multiversion! {
    /// Undoes sweeps, the last first, each going up the rows two behind the one before: so far apart, they do not meet.
    fn undo_group<const FMA: bool>(panel: &mut [Row], sweeps: &[Sweep], turns: &[[f64; 2]]) {
        let first = sweeps.iter().map(|s| s.low).min().unwrap_or(0);
        let last = sweeps.iter().map(|s| s.high).max().unwrap_or(0);
        for time in first..=last + 2 * sweeps.len() {
            for (behind, sweep) in sweeps.iter().rev().enumerate() {
                if time < sweep.low + 2 * behind || time > sweep.high + 2 * behind {
                    continue;
                }
                let row = time - 2 * behind;
                let [cos, sin] = turns[sweep.start + sweep.high - row];
                let [above, below] = &mut panel[row..row + 2] else { continue };
                for i in 0..PANEL {
                    let (a, b) = (above[i], below[i]);
                    above[i] = if FMA { cos.mul_add(a, sin * b) } else { cos * a + sin * b };
                    below[i] = if FMA { cos.mul_add(b, -(sin * a)) } else { cos * b - sin * a };
                }
            }
        }
    }
}
