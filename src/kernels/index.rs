//! Choosing elements by index. Indices are whole numbers kept in the tensors' own type.
use std::fmt;

use super::elem::Elem;
use super::parallel;
use super::strided::{around, count};

/// An index that is no position of the axis it points into.
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
        write!(f, "index {} (element {}) lies outside an axis of size {}", self.value, self.at, self.size)
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
    check(index, size)?;
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
    check(index, dims[axis])?;
    let places = Places::new(dims, index_dims, axis);
    for (i, (&v, &to)) in x.iter().zip(index).enumerate() {
        out[places.at(i, position(to))] += v;
    }
    Ok(())
}

/// The rows of `x` (each of `width`) that the index names.
pub fn index_select<T: Elem>(x: &[T], width: usize, index: &[T], out: &mut [T]) -> Result<(), BadIndex> {
    assert_eq!(out.len(), index.len() * width, "one row for each index");
    check(index, x.len() / width.max(1))?;
    parallel::rows(out, width, |first, out| {
        for (row, &i) in out.chunks_exact_mut(width).zip(&index[first..]) {
            row.copy_from_slice(&x[position(i) * width..][..width]);
        }
    });
    Ok(())
}

/// Adds each row of `x` (of `width`) to the row of `out` that the index names.
pub fn index_add<T: Elem>(x: &[T], width: usize, index: &[T], out: &mut [T]) -> Result<(), BadIndex> {
    assert_eq!(x.len(), index.len() * width, "one row for each index");
    check(index, out.len() / width.max(1))?;
    for (row, &i) in x.chunks_exact(width.max(1)).zip(index) {
        out[position(i) * width..][..width].iter_mut().zip(row).for_each(|(o, &v)| *o += v);
    }
    Ok(())
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

fn check<T: Elem>(index: &[T], size: usize) -> Result<(), BadIndex> {
    let inside = |v: &T| *v >= T::ZERO && v.to_f64() < size as f64;
    match index.iter().position(|v| !inside(v)) {
        Some(at) => Err(BadIndex { at, value: index[at].to_f64(), size }),
        None => Ok(()),
    }
}
