//! Small dense tensors. What does not fit together gives nothing: a trial never ends a check.

use std::borrow::Cow;

/// A tensor, row-major, with as many numbers as its shape has places.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

impl Tensor {
    /// A tensor of these numbers; `None` where the shape has more places, or fewer.
    pub fn new(shape: &[usize], data: Vec<f64>) -> Option<Tensor> {
        (data.len() == shape.iter().product::<usize>()).then(|| Tensor { shape: shape.to_vec(), data })
    }

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
    pub fn zip(&self, other: &Tensor, shape: &[usize], f: impl Fn(f64, f64) -> f64) -> Option<Tensor> {
        let data = match (self.data.as_slice(), other.data.as_slice()) {
            (x, [y]) if self.shape == shape => x.iter().map(|&x| f(x, *y)).collect(),
            ([x], y) if other.shape == shape => y.iter().map(|&y| f(*x, y)).collect(),
            _ => {
                let (x, y) = (self.expand(shape)?, other.expand(shape)?);
                x.data.iter().zip(&y.data).map(|(&x, &y)| f(x, y)).collect()
            }
        };
        Tensor::new(shape, data)
    }

    /// The element at each place of `shape`, where `strides` says how far a step along each dimension goes; `None` where one lies
    /// beyond the last.
    pub fn pick(&self, shape: &[usize], start: usize, strides: &[usize]) -> Option<Tensor> {
        let count = shape.iter().product();
        let mut data = Vec::with_capacity(count);
        let (Some((&run, outer)), Some((&step, outer_strides))) = (shape.split_last(), strides.split_last()) else {
            return Some(Tensor::scalar(*self.data.get(start)?));
        };
        let mut place = vec![0; outer.len()];
        let mut at = start;
        while data.len() < count {
            match step {
                0 => data.extend(std::iter::repeat_n(*self.data.get(at)?, run)),
                1 => data.extend_from_slice(self.data.get(at..at + run)?),
                _ => data.extend(self.data.get(at..at + (run - 1) * step + 1)?.iter().step_by(step)),
            }
            for d in (0..outer.len()).rev() {
                place[d] += 1;
                at += outer_strides.get(d)?;
                if place[d] < outer[d] {
                    break;
                }
                at -= outer_strides[d] * outer[d];
                place[d] = 0;
            }
        }
        Tensor::new(shape, data)
    }

    /// How far a step along each dimension goes.
    pub fn strides(&self) -> Vec<usize> {
        (0..self.shape.len()).map(|d| self.shape[d + 1..].iter().product()).collect()
    }

    /// Repeated along dimensions of 1 and along new leading ones.
    pub fn expand(&self, shape: &[usize]) -> Option<Cow<'_, Tensor>> {
        if self.shape == shape {
            return Some(Cow::Borrowed(self));
        }
        let added = shape.len().checked_sub(self.shape.len())?;
        let fits = self.shape.iter().zip(&shape[added..]).all(|(own, wanted)| *own == 1 || own == wanted);
        let own = self.strides();
        let stride = |d: usize| if d < added || self.shape[d - added] == 1 { 0 } else { own[d - added] };
        let strides: Vec<usize> = (0..shape.len()).map(stride).collect();
        fits.then(|| self.pick(shape, 0, &strides))?.map(Cow::Owned)
    }

    /// Elements before, along and behind a dimension, if there is one of that number.
    pub fn around(&self, axis: usize) -> Option<(usize, usize, usize)> {
        let (before, rest) = self.shape.split_at_checked(axis)?;
        let (length, behind) = rest.split_first()?;
        Some((before.iter().product(), *length, behind.iter().product()))
    }
}
