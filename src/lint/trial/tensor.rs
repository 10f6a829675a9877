//! Small dense tensors.

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

    /// The element at each place of `shape`, where `strides` says how far a step along each dimension goes.
    pub fn pick(&self, shape: &[usize], start: usize, strides: &[usize]) -> Tensor {
        let mut data = Vec::with_capacity(shape.iter().product());
        let mut place = vec![0; shape.len()];
        let mut at = start;
        for _ in 0..shape.iter().product() {
            data.push(self.data[at]);
            for d in (0..shape.len()).rev() {
                place[d] += 1;
                at += strides[d];
                if place[d] < shape[d] {
                    break;
                }
                at -= strides[d] * shape[d];
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
    pub fn expand(&self, shape: &[usize]) -> Tensor {
        if self.shape == shape {
            return self.clone();
        }
        let added = shape.len() - self.shape.len();
        let own = self.strides();
        let stride = |d: usize| if d < added || self.shape[d - added] == 1 { 0 } else { own[d - added] };
        let strides: Vec<usize> = (0..shape.len()).map(stride).collect();
        self.pick(shape, 0, &strides)
    }

    /// Elements before, along and behind a dimension.
    pub fn around(&self, axis: usize) -> (usize, usize, usize) {
        let (before, behind) = (&self.shape[..axis], &self.shape[axis + 1..]);
        (before.iter().product(), self.shape[axis], behind.iter().product())
    }
}
