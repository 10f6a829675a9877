//! Small dense tensors.

use std::borrow::Cow;

/// A tensor, row-major.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

impl Tensor {
    pub fn scalar(value: f64) -> Tensor {
        Tensor { shape: Vec::new(), data: vec![value] }
    }

    pub fn full(shape: &[usize], value: f64) -> Tensor {
        Tensor { shape: shape.to_vec(), data: vec![value; shape.iter().product()] }
    }

    pub fn map(&self, f: impl Fn(f64) -> f64) -> Tensor {
        Tensor { shape: self.shape.clone(), data: self.data.iter().map(|&x| f(x)).collect() }
    }

    /// `f` of the elements of two tensors that are repeated where they are smaller than `shape`.
    pub fn zip(&self, other: &Tensor, shape: &[usize], f: impl Fn(f64, f64) -> f64) -> Tensor {
        let data = match (self.data.as_slice(), other.data.as_slice()) {
            (x, [y]) if self.shape == shape => x.iter().map(|&x| f(x, *y)).collect(),
            ([x], y) if other.shape == shape => y.iter().map(|&y| f(*x, y)).collect(),
            _ => {
                let (x, y) = (self.expand(shape), other.expand(shape));
                x.data.iter().zip(&y.data).map(|(&x, &y)| f(x, y)).collect()
            }
        };
        Tensor { shape: shape.to_vec(), data }
    }

    /// The element at each place of `shape`, where `strides` says how far a step along each dimension goes.
    pub fn pick(&self, shape: &[usize], start: usize, strides: &[usize]) -> Tensor {
        let count = shape.iter().product();
        let mut data = Vec::with_capacity(count);
        let (Some((&run, outer)), Some((&step, outer_strides))) = (shape.split_last(), strides.split_last()) else {
            return Tensor::scalar(self.data[start]);
        };
        let mut place = vec![0; outer.len()];
        let mut at = start;
        while data.len() < count {
            match step {
                0 => data.extend(std::iter::repeat_n(self.data[at], run)),
                1 => data.extend_from_slice(&self.data[at..at + run]),
                _ => data.extend(self.data[at..].iter().step_by(step).take(run)),
            }
            for d in (0..outer.len()).rev() {
                place[d] += 1;
                at += outer_strides[d];
                if place[d] < outer[d] {
                    break;
                }
                at -= outer_strides[d] * outer[d];
                place[d] = 0;
            }
        }
        Tensor { shape: shape.to_vec(), data }
    }

    /// How far a step along each dimension goes.
    pub fn strides(&self) -> Vec<usize> {
        (0..self.shape.len()).map(|d| self.shape[d + 1..].iter().product()).collect()
    }

    /// Repeated along dimensions of 1 and along new leading ones.
    pub fn expand(&self, shape: &[usize]) -> Cow<'_, Tensor> {
        if self.shape == shape {
            return Cow::Borrowed(self);
        }
        let added = shape.len() - self.shape.len();
        let own = self.strides();
        let stride = |d: usize| if d < added || self.shape[d - added] == 1 { 0 } else { own[d - added] };
        let strides: Vec<usize> = (0..shape.len()).map(stride).collect();
        Cow::Owned(self.pick(shape, 0, &strides))
    }

    /// Elements before, along and behind a dimension.
    pub fn around(&self, axis: usize) -> (usize, usize, usize) {
        let (before, behind) = (&self.shape[..axis], &self.shape[axis + 1..]);
        (before.iter().product(), self.shape[axis], behind.iter().product())
    }
}
