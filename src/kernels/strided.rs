//! Walking several tensors at once where some repeat along some dimensions.
use super::elem::Elem;
use super::parallel::{self, CHUNK};

/// A walk over the positions of an output and the matching positions of `K` inputs.
pub struct Walk<const K: usize> {
    dims: Vec<usize>,
    strides: [Vec<usize>; K],
}

/// A run of positions: where each input starts and how far it steps.
pub struct Run<const K: usize> {
    /// Each input's first position.
    pub at: [usize; K],
    /// Each input's step.
    pub step: [usize; K],
}

impl<const K: usize> Walk<K> {
    /// The walk over `dims` with the given distances (in elements) per dimension; dimensions that can be walked as one are joined.
    pub fn new(dims: &[usize], strides: [Vec<usize>; K]) -> Self {
        let mut walk = Walk { dims: vec![], strides: [const { vec![] }; K] };
        for (d, &size) in dims.iter().enumerate() {
            if size == 1 {
                continue;
            }
            let joins =
                !walk.dims.is_empty() && (0..K).all(|k| walk.strides[k].last() == Some(&(strides[k][d] * size)));
            if joins {
                *walk.dims.last_mut().expect("not empty") *= size;
            } else {
                walk.dims.push(size);
            }
            for k in 0..K {
                if joins {
                    walk.strides[k].pop();
                }
                walk.strides[k].push(strides[k][d]);
            }
        }
        if walk.dims.is_empty() {
            walk.dims.push(1);
            walk.strides.iter_mut().for_each(|s| s.push(0));
        }
        walk
    }

    /// Calls `f(run, piece of out)` until `out` (contiguous) is covered, in parallel.
    pub fn fill<T: Elem>(&self, out: &mut [T], f: impl Fn(Run<K>, &mut [T]) + Sync) {
        let inner = *self.dims.last().expect("a walk has a dimension");
        parallel::chunks(out, CHUNK, |start, mut out| {
            let mut at = start;
            while !out.is_empty() {
                let len = (inner - at % inner).min(out.len());
                let (piece, rest) = out.split_at_mut(len);
                f(self.run_at(at), piece);
                (out, at) = (rest, at + len);
            }
        });
    }

    fn run_at(&self, mut index: usize) -> Run<K> {
        let mut run = Run { at: [0; K], step: [0; K] };
        for (d, &size) in self.dims.iter().enumerate().rev() {
            let (rest, i) = (index / size, index % size);
            for k in 0..K {
                run.at[k] += i * self.strides[k][d];
            }
            index = rest;
        }
        run.step = std::array::from_fn(|k| self.strides[k].last().copied().unwrap_or(0));
        run
    }
}

/// Row-major distances of contiguous `dims`.
pub fn contiguous(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for d in (1..dims.len()).rev() {
        strides[d - 1] = strides[d] * dims[d];
    }
    strides
}

/// The distances with which contiguous `dims` are read as `out_dims`: 0 where a dimension of size 1, or a missing one, repeats.
pub fn broadcast(dims: &[usize], out_dims: &[usize]) -> Vec<usize> {
    let missing = out_dims.len().checked_sub(dims.len()).expect("no more dimensions than the output");
    let strides = contiguous(dims);
    let stride = |d: usize| match d.checked_sub(missing) {
        None => 0,
        Some(i) if dims[i] == out_dims[d] => strides[i],
        Some(i) => {
            assert_eq!(dims[i], 1, "{dims:?} does not broadcast to {out_dims:?}");
            0
        }
    };
    (0..out_dims.len()).map(stride).collect()
}

/// How many elements `dims` have.
pub fn count(dims: &[usize]) -> usize {
    dims.iter().product()
}

/// The sizes before, at, and after an axis.
pub fn around(dims: &[usize], axis: usize) -> (usize, usize, usize) {
    (count(&dims[..axis]), dims[axis], count(&dims[axis + 1..]))
}
