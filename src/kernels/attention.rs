//! Scaled dot-product attention (Vaswani et al. 2017), a block of queries at a time, so that no score outlives its block.
use rayon::prelude::*;

use super::elem::Elem;
use super::gemm::{Layout, Panel, multiply};
use super::path::{Path, multiversion};

/// The sizes of an attention of several heads.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// Samples.
    pub n: usize,
    /// Heads, each with its part of every row.
    pub heads: usize,
    /// Rows of queries, and of the result, in a sample.
    pub queries: usize,
    /// Rows of keys and values in a sample.
    pub keys: usize,
    /// Features of one head.
    pub dim: usize,
    /// Whether queries, keys and values stand side by side in one tensor (and as many keys as queries).
    pub packed: bool,
}

/// Queries, keys, values, or their gradients: one behind the other in memory.
#[derive(Clone, Copy)]
enum Part {
    Query,
    Key,
    Value,
}

/// Scores of a block: more would not stay in the nearest caches.
const BLOCK: usize = 1 << 14;

impl Attention {
    /// Features of a row of one part.
    fn width(&self) -> usize {
        self.heads * self.dim
    }

    /// The scale of the scores.
    fn scale<T: Elem>(&self) -> T {
        T::from_f64(1.0 / (self.dim as f64).sqrt())
    }

    fn rows(&self, part: Part) -> usize {
        if matches!(part, Part::Query) { self.queries } else { self.keys }
    }

    /// One head's matrix of a sample that lies in a tensor of its own.
    fn apart(&self, sample: usize, head: usize, rows: usize) -> Panel {
        let layout = Layout { row: self.width(), col: 1, batch: 0 };
        Panel { start: sample * rows * self.width() + head * self.dim, layout }
    }

    /// One head's matrix of a sample among the inputs.
    fn input(&self, part: Part, sample: usize, head: usize) -> Panel {
        if !self.packed {
            return self.apart(sample, head, self.rows(part));
        }
        let Panel { start, .. } = self.packed_gradient(part, head);
        let layout = Layout { row: 3 * self.width(), col: 1, batch: 0 };
        Panel { start: sample * self.queries * 3 * self.width() + start, layout }
    }

    fn packed_gradient(&self, part: Part, head: usize) -> Panel {
        let layout = Layout { row: 3 * self.width(), col: 1, batch: 0 };
        Panel { start: part as usize * self.width() + head * self.dim, layout }
    }

    /// One head's matrix among the gradients of one sample.
    fn gradient(&self, part: Part, head: usize) -> Panel {
        if self.packed {
            return self.packed_gradient(part, head);
        }
        let before = [0, self.queries, self.queries + self.keys][part as usize];
        Panel { start: before * self.width() + head * self.dim, ..self.apart(0, head, 0) }
    }

    /// Numbers of one sample's gradients.
    fn gradients(&self) -> usize {
        (self.queries + 2 * self.keys) * self.width()
    }

    /// How many queries make a block.
    fn block(&self) -> usize {
        (BLOCK / self.keys.max(1)).clamp(1, self.queries.max(1))
    }

    /// First query and number of queries of each block.
    fn blocks(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (all, block) = (self.queries, self.block());
        (0..all).step_by(block).map(move |first| (first, block.min(all - first)))
    }

    fn check<T>(&self, x: [&[T]; 3], bias: Option<&[T]>) {
        let rows = if self.packed { [3 * self.queries; 3] } else { [self.queries, self.keys, self.keys] };
        for (x, rows) in x.iter().zip(rows) {
            assert_eq!(x.len(), self.n * rows * self.width(), "an input of another size");
        }
        assert!(!self.packed || self.keys == self.queries, "what is packed has as many keys as queries");
        assert!(bias.is_none_or(|b| b.len() == self.heads * self.queries * self.keys), "a bias for every score");
    }
}

/// y = softmax(q kᵀ / sqrt(dim) + bias) v for every sample and head; `x` is queries, keys and values, three times the same if packed.
pub fn attention<T: Elem>(a: &Attention, x: [&[T]; 3], bias: Option<&[T]>, y: &mut [T]) {
    a.check(x, bias);
    let size = a.queries * a.width();
    assert_eq!(y.len(), a.n * size, "a row for each query");
    let scratch = || vec![T::ZERO; a.block() * a.keys];
    y.par_chunks_mut(size.max(1)).enumerate().for_each_init(scratch, |p, (sample, y)| {
        for head in 0..a.heads {
            for (first, count) in a.blocks() {
                let p = &mut p[..count * a.keys];
                weights(a, x, bias, [sample, head, first], p);
                let (scores, values) = (Panel::plain(a.keys), a.input(Part::Value, sample, head));
                let to = a.apart(0, head, 0).down(first);
                multiply([count, a.dim, a.keys], (p, scores), (x[2], values), false, (y, to));
            }
        }
    });
}

/// The gradients of queries, keys and values, given dy: packed as the inputs are, or one below the other for each sample.
pub fn attention_input_grad<T: Elem>(a: &Attention, x: [&[T]; 3], bias: Option<&[T]>, dy: &[T], dx: &mut [T]) {
    a.check(x, bias);
    assert_eq!(dx.len(), a.n * a.gradients(), "a gradient for each input");
    let scratch = || vec![T::ZERO; 2 * a.block() * a.keys];
    dx.par_chunks_mut(a.gradients().max(1)).enumerate().for_each_init(scratch, |room, (sample, dx)| {
        for head in 0..a.heads {
            for (first, count) in a.blocks() {
                let (p, ds) = room.split_at_mut(a.block() * a.keys);
                let (p, ds) = (&mut p[..count * a.keys], &mut ds[..count * a.keys]);
                let add = first > 0;
                let scores = Panel::plain(a.keys);
                let out = a.apart(sample, head, a.queries).down(first);
                let queries = a.input(Part::Query, sample, head).down(first);
                weights(a, x, bias, [sample, head, first], p);
                let dv = a.gradient(Part::Value, head);
                multiply([a.keys, a.dim, count], (p, scores.transposed()), (dy, out), add, (dx, dv));
                score_gradients(a, x[2], dy, [sample, head, first], p, ds);
                scale_all(Path::current(), a.scale(), ds);
                let dq = a.gradient(Part::Query, head).down(first);
                let (keys, dk) = (a.input(Part::Key, sample, head), a.gradient(Part::Key, head));
                multiply([count, a.dim, a.keys], (ds, scores), (x[1], keys), false, (dx, dq));
                multiply([a.keys, a.dim, count], (ds, scores.transposed()), (x[0], queries), add, (dx, dk));
            }
        }
    });
}

/// The gradient of the bias, `[heads, queries, keys]`, given dy; samples are summed in order.
pub fn attention_bias_grad<T: Elem>(a: &Attention, x: [&[T]; 3], bias: &[T], dy: &[T], db: &mut [T]) {
    a.check(x, Some(bias));
    assert_eq!(db.len(), bias.len(), "a gradient for every score");
    db.par_chunks_mut((a.queries * a.keys).max(1)).enumerate().for_each(|(head, db)| {
        let mut room = vec![T::ZERO; 2 * a.block() * a.keys];
        db.fill(T::ZERO);
        for (first, count) in a.blocks() {
            let (p, ds) = room.split_at_mut(a.block() * a.keys);
            let (p, ds) = (&mut p[..count * a.keys], &mut ds[..count * a.keys]);
            let db = &mut db[first * a.keys..][..count * a.keys];
            for sample in 0..a.n {
                weights(a, x, Some(bias), [sample, head, first], p);
                score_gradients(a, x[2], dy, [sample, head, first], p, ds);
                db.iter_mut().zip(&*ds).for_each(|(sum, &d)| *sum += d);
            }
        }
    });
}

/// The softmax of a block of scores: as many rows of `p` as there are queries from `first` on.
fn weights<T: Elem>(a: &Attention, x: [&[T]; 3], bias: Option<&[T]>, at: [usize; 3], p: &mut [T]) {
    let [sample, head, first] = at;
    let queries = a.input(Part::Query, sample, head).down(first);
    let keys = a.input(Part::Key, sample, head).transposed();
    multiply([p.len() / a.keys, a.keys, a.dim], (x[0], queries), (x[1], keys), false, (p, Panel::plain(a.keys)));
    let bias = bias.map(|b| &b[(head * a.queries + first) * a.keys..][..p.len()]);
    softmax_scaled(Path::current(), a.scale(), bias, a.keys, p);
}

/// The gradients of a block of scores, bias included but before their scale: p (dp - sum(p dp)) with dp = dy vᵀ.
fn score_gradients<T: Elem>(a: &Attention, v: &[T], dy: &[T], at: [usize; 3], p: &[T], ds: &mut [T]) {
    let [sample, head, first] = at;
    let out = a.apart(sample, head, a.queries).down(first);
    let values = a.input(Part::Value, sample, head).transposed();
    multiply([p.len() / a.keys, a.keys, a.dim], (dy, out), (v, values), false, (ds, Panel::plain(a.keys)));
    softmax_backward(Path::current(), p, a.keys, ds);
}

multiversion! {
    fn softmax_scaled<const FMA: bool, T: Elem>(scale: T, bias: Option<&[T]>, c: usize, rows: &mut [T]) {
        for (i, row) in rows.chunks_exact_mut(c).enumerate() {
            match bias {
                Some(bias) => row.iter_mut().zip(&bias[i * c..]).for_each(|(y, &b)| *y = y.fma::<FMA>(scale, b)),
                None => row.iter_mut().for_each(|y| *y *= scale),
            }
            let top = largest(row);
            let mut sums = [T::ZERO; 16];
            let (groups, rest) = row.as_chunks_mut::<16>();
            for group in groups {
                for j in 0..16 {
                    group[j] = (group[j] - top).exp::<FMA>();
                    sums[j] += group[j];
                }
            }
            let mut total: T = sums.into_iter().sum();
            for y in rest {
                *y = (*y - top).exp::<FMA>();
                total += *y;
            }
            let part = T::ONE / total;
            row.iter_mut().for_each(|y| *y *= part);
        }
    }
}

/// The largest of a row.
#[inline(always)]
fn largest<T: Elem>(row: &[T]) -> T {
    let (groups, rest) = row.as_chunks::<16>();
    let mut lanes = [-T::INFINITY; 16];
    for group in groups {
        for j in 0..16 {
            lanes[j] = if group[j] > lanes[j] { group[j] } else { lanes[j] };
        }
    }
    lanes.iter().chain(rest).fold(-T::INFINITY, |top, &v| if v > top { v } else { top })
}

multiversion! {
    fn softmax_backward<const FMA: bool, T: Elem>(p: &[T], c: usize, ds: &mut [T]) {
        for (p, ds) in p.chunks_exact(c).zip(ds.chunks_exact_mut(c)) {
            let dot = T::from_f64(super::columns::sum_rows([p, ds], |[p, d]| p * d));
            ds.iter_mut().zip(p).for_each(|(d, &p)| *d = p * (*d - dot));
        }
    }
}

multiversion! {
    fn scale_all<const FMA: bool, T: Elem>(scale: T, x: &mut [T]) {
        x.iter_mut().for_each(|x| *x *= scale);
    }
}
