//! Choosing elements by index. Indices are whole numbers kept in the tensors' own type.
use std::fmt;

use super::elem::Elem;
use super::parallel;
use super::strided::{around, count};

/// An index that is no position of the axis it points into: not whole, or outside.
#[derive(Clone, Debug, PartialEq)]
pub struct BadIndex {
    /// Where in the index tensor.
    pub at: usize,
    /// Its value.
    pub value: f64,
    /// The size of the axis.
    pub size: usize,
}

impl fmt::Display for BadIndex {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let BadIndex { at, value, size } = self;
        if value.fract() != 0.0 && value.is_finite() {
            return write!(f, "index {value} (element {at}) is no whole number");
        }
        write!(f, "index {value} (element {at}) lies outside an axis of size {size}")
    }
}

impl std::error::Error for BadIndex {}

/// `out[i][j][k] = x[i][index[i][j][k]][k]` for the axis in the middle; `out` has the dimensions of `index`.
pub fn gather<T: Elem>(
    x: &[T],
    dims: &[usize],
    axis: usize,
    index: &[T],
    index_dims: &[usize],
    out: &mut [T],
) -> Result<(), BadIndex> {
    assert_eq!((x.len(), index.len()), (count(dims), count(index_dims)), "the sizes are those of the tensors");
    let size = dims[axis];
    check_indices(index, size)?;
    let places = Places::new(dims, index_dims, axis);
    parallel::chunks(out, parallel::CHUNK, |start, out| {
        for (i, o) in out.iter_mut().enumerate() {
            *o = x[places.at(start + i, position(index[start + i]))];
        }
    });
    Ok(())
}

/// `out[i][index[i][j][k]][k] += x[i][j][k]` for the axis in the middle; `x` has the dimensions of `index`.
pub fn scatter_add<T: Elem>(
    x: &[T],
    index: &[T],
    index_dims: &[usize],
    axis: usize,
    out: &mut [T],
    dims: &[usize],
) -> Result<(), BadIndex> {
    assert_eq!((x.len(), index.len()), (index.len(), count(index_dims)), "the sizes are those of the tensors");
    check_indices(index, dims[axis])?;
    let places = Places::new(dims, index_dims, axis);
    for (i, (&v, &to)) in x.iter().zip(index).enumerate() {
        out[places.at(i, position(to))] += v;
    }
    Ok(())
}

/// Rows of `width` numbers that belong to samples, and which of them are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Rows of each sample.
    pub rows: usize,
    /// Numbers of a row.
    pub width: usize,
    /// Indices of each sample.
    pub count: usize,
}

/// The rows of each sample of `x` that its indices name, `[n, rows, width]` and `[n, count]` to `[n, count, width]`.
pub fn take_rows<T: Elem>(cfg: &Rows, x: &[T], index: &[T], out: &mut [T]) -> Result<(), BadIndex> {
    cfg.check(x.len(), index, out.len())?;
    let (rows, width, count) = (cfg.rows, cfg.width, cfg.count);
    parallel::rows(out, width, |first, out| {
        for (i, row) in out.chunks_exact_mut(width).enumerate() {
            let from = (first + i) / count * rows + position(index[first + i]);
            row.copy_from_slice(&x[from * width..][..width]);
        }
    });
    Ok(())
}

/// Zeros `[n, rows, width]`, and each row of `x [n, count, width]` added to the row of its sample that its index names.
pub fn place_rows<T: Elem>(cfg: &Rows, x: &[T], index: &[T], out: &mut [T]) -> Result<(), BadIndex> {
    cfg.check(out.len(), index, x.len())?;
    let (sample, width, count) = (cfg.rows * cfg.width, cfg.width, cfg.count);
    parallel::rows(out, sample, |first, out| {
        out.fill(T::ZERO);
        for (n, out) in out.chunks_exact_mut(sample).enumerate() {
            for i in (first + n) * count..(first + n + 1) * count {
                let to = &mut out[position(index[i]) * width..][..width];
                to.iter_mut().zip(&x[i * width..][..width]).for_each(|(o, &v)| *o += v);
            }
        }
    });
    Ok(())
}

impl Rows {
    /// Whether the sizes fit, and whether all indices lie inside.
    fn check<T: Elem>(&self, all: usize, index: &[T], chosen: usize) -> Result<(), BadIndex> {
        let samples = index.len() / self.count.max(1);
        assert_eq!(
            (index.len(), chosen),
            (samples * self.count, index.len() * self.width),
            "the sizes are those of {self:?}"
        );
        assert_eq!(all, samples * self.rows * self.width, "the sizes are those of {self:?}");
        check_indices(index, self.rows)
    }
}

/// Finds, for a position of the index tensor, the position in the indexed one.
struct Places {
    dims: Vec<usize>,
    index_dims: Vec<usize>,
    axis: usize,
}

impl Places {
    fn new(dims: &[usize], index_dims: &[usize], axis: usize) -> Self {
        assert_eq!(dims.len(), index_dims.len(), "an index tensor has as many dimensions as the indexed one");
        // Dimensions of equal size before and after the axis are walked as one.
        if (0..dims.len()).all(|d| d == axis || dims[d] == index_dims[d]) {
            let (outer, size, inner) = around(dims, axis);
            return Places {
                dims: vec![outer, size, inner],
                index_dims: vec![outer, index_dims[axis], inner],
                axis: 1,
            };
        }
        Places { dims: dims.to_vec(), index_dims: index_dims.to_vec(), axis }
    }

    fn at(&self, mut i: usize, value: usize) -> usize {
        let (mut place, mut stride) = (0, 1);
        for d in (0..self.dims.len()).rev() {
            let own = i % self.index_dims[d];
            i /= self.index_dims[d];
            place += stride * if d == self.axis { value } else { own };
            stride *= self.dims[d];
        }
        place
    }
}

fn position<T: Elem>(index: T) -> usize {
    index.to_f64() as usize
}

/// Whether all indices are positions of an axis of that size.
pub fn check_indices<T: Elem>(index: &[T], size: usize) -> Result<(), BadIndex> {
    let inside = |v: &T| *v >= T::ZERO && v.to_f64() < size as f64 && v.floor() == *v;
    match index.iter().position(|v| !inside(v)) {
        Some(at) => Err(BadIndex { at, value: index[at].to_f64(), size }),
        None => Ok(()),
    }
}
