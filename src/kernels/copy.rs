//! Moving elements: permuting, cutting, padding, joining, repeating.
use super::elem::Elem;
use super::parallel::{self, CHUNK};
use super::strided::{Run, Walk, around, broadcast, contiguous, count};

/// Puts the axes of `x` of `dims` in the order `perm`: axis `i` of `out` is axis `perm[i]` of `x`.
pub fn permute<T: Elem>(x: &[T], dims: &[usize], perm: &[usize], out: &mut [T]) {
    assert_eq!(x.len(), count(dims), "a tensor of {dims:?} has as many elements");
    assert_eq!(x.len(), out.len(), "permuting keeps the size");
    let strides = contiguous(dims);
    let out_dims: Vec<usize> = perm.iter().map(|&d| dims[d]).collect();
    if let Some((batch, rows, cols)) = as_transposes(dims, perm) {
        return transpose(x, batch, rows, cols, out);
    }
    let walk = Walk::new(&out_dims, [perm.iter().map(|&d| strides[d]).collect()]);
    walk.fill(out, |Run { at: [at], step: [step] }, out| copy_run(&x[at..], step, out));
}

/// Whether the permutation only swaps two neighbouring blocks of axes at the end: (batch, rows, columns).
fn as_transposes(dims: &[usize], perm: &[usize]) -> Option<(usize, usize, usize)> {
    let fixed = perm.iter().enumerate().take_while(|&(i, &d)| i == d).count();
    let first = perm.get(fixed)?;
    let rotated = (fixed..dims.len()).map(|i| fixed + (i - fixed + first - fixed) % (dims.len() - fixed));
    let swaps = rotated.eq(perm[fixed..].iter().copied());
    swaps.then(|| (count(&dims[..fixed]), count(&dims[fixed..*first]), count(&dims[*first..])))
}

/// Transposes each `rows` x `cols` matrix of a batch, in small tiles.
pub fn transpose<T: Elem>(x: &[T], batch: usize, rows: usize, cols: usize, out: &mut [T]) {
    const TILE: usize = 16;
    assert_eq!(x.len(), batch * rows * cols, "the sizes are those of the tensor");
    if x.is_empty() {
        return;
    }
    let band = TILE * rows;
    let bands = cols.div_ceil(TILE);
    let copy_band = |matrix: usize, first: usize, out: &mut [T]| {
        let x = &x[matrix * rows * cols..][..rows * cols];
        for r0 in (0..rows).step_by(TILE) {
            for (c, line) in out.chunks_exact_mut(rows).enumerate() {
                for (r, o) in line[r0..rows.min(r0 + TILE)].iter_mut().enumerate() {
                    *o = x[(r0 + r) * cols + first + c];
                }
            }
        }
    };
    if rows * cols <= CHUNK {
        return parallel::rows(out, rows * cols, |first, out| {
            for (i, matrix) in out.chunks_exact_mut(rows * cols).enumerate() {
                matrix.chunks_mut(band).enumerate().for_each(|(j, band)| copy_band(first + i, j * TILE, band));
            }
        });
    }
    for (matrix, out) in out.chunks_exact_mut(rows * cols).enumerate() {
        let per = (CHUNK / band).clamp(1, bands);
        parallel::chunks(out, per * band, |start, out| {
            out.chunks_mut(band).enumerate().for_each(|(j, b)| copy_band(matrix, start / rows + j * TILE, b));
        });
    }
}

/// Repeats `x` of `dims` to `out_dims`.
pub fn broadcast_to<T: Elem>(x: &[T], dims: &[usize], out: &mut [T], out_dims: &[usize]) {
    assert_eq!(x.len(), count(dims), "a tensor of {dims:?} has as many elements");
    assert_eq!(out.len(), count(out_dims), "a tensor of {out_dims:?} has as many elements");
    let walk = Walk::new(out_dims, [broadcast(dims, out_dims)]);
    walk.fill(out, |Run { at: [at], step: [step] }, out| copy_run(&x[at..], step, out));
}

/// Takes every `step`-th position of an axis, from `start`, as many as `out` holds.
pub fn slice<T: Elem>(x: &[T], dims: &[usize], axis: usize, start: usize, step: usize, len: usize, out: &mut [T]) {
    let (outer, size, inner) = around(dims, axis);
    assert_eq!(out.len(), outer * len * inner, "the slice has as many elements");
    assert!(len == 0 || start + (len - 1) * step < size, "the slice lies within the axis");
    if out.is_empty() {
        return;
    }
    let walk = Walk::new(&[outer, len, inner], [vec![size * inner, step * inner, 1]]);
    let x = &x[start * inner..];
    walk.fill(out, |Run { at: [at], step: [step] }, out| copy_run(&x[at..], step, out));
}

/// Extends an axis by `before` and `after` positions of `value`.
pub fn pad<T: Elem>(x: &[T], dims: &[usize], axis: usize, before: usize, after: usize, value: T, out: &mut [T]) {
    let (outer, size, inner) = around(dims, axis);
    let (from, to, whole) = (before * inner, (before + size) * inner, (before + size + after) * inner);
    assert_eq!(out.len(), outer * whole, "the padded tensor has as many elements");
    parallel::rows(out, whole, |first, out| {
        for (i, row) in out.chunks_exact_mut(whole).enumerate() {
            row[..from].fill(value);
            row[from..to].copy_from_slice(&x[(first + i) * size * inner..][..size * inner]);
            row[to..].fill(value);
        }
    });
}

/// Joins tensors, each given with its dimensions, along an axis.
pub fn concat<T: Elem>(parts: &[(&[T], &[usize])], axis: usize, out: &mut [T]) {
    let whole: usize = parts.iter().map(|(_, dims)| count(&dims[axis..])).sum();
    assert_eq!(out.len(), parts.iter().map(|(x, _)| x.len()).sum::<usize>(), "the joined tensor has as many elements");
    parallel::rows(out, whole, |first, out| {
        for (i, mut row) in out.chunks_exact_mut(whole).enumerate() {
            for (x, dims) in parts {
                let len = count(&dims[axis..]);
                let (piece, rest) = row.split_at_mut(len);
                piece.copy_from_slice(&x[(first + i) * len..][..len]);
                row = rest;
            }
        }
    });
}

#[inline]
fn copy_run<T: Elem>(x: &[T], step: usize, out: &mut [T]) {
    match step {
        0 => out.fill(x[0]),
        1 => out.copy_from_slice(&x[..out.len()]),
        _ => out.iter_mut().zip(x.iter().step_by(step)).for_each(|(o, &v)| *o = v),
    }
}
