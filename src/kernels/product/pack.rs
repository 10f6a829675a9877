//! Copies of matrices in the order in which the inner loop walks over them.
use crate::kernels::gemm::Layout;
use crate::kernels::panels::{Panel, split};
use crate::kernels::scratch::copy_few;
use crate::kernels::tile::{Vector, VectorTask};

/// The side of a block that is turned round in registers.
const SIDE: usize = 8;

/// Steps of B for all panels: `[panel][step][column]`, zeros where the last panel has no column.
pub struct Right<'a> {
    /// B from its first step on.
    pub b: &'a [f32],
    /// How it lies: of the two distances one is 1.
    pub layout: Layout,
    /// The panels.
    pub panels: &'a [Panel],
    /// Steps.
    pub steps: usize,
    /// The copy.
    pub out: &'a mut [f32],
}

impl VectorTask for Right<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let (steps, Layout { row, col, .. }) = (self.steps, self.layout);
        if let Some(last) = self.panels.last()
            && last.cols < last.vectors * V::LANES
        {
            self.out[last.first * steps..].fill(0.0);
        }
        if col == 1 {
            for k in 0..steps {
                for panel in self.panels {
                    let (width, b) = (panel.vectors * V::LANES, &self.b[k * row + panel.first..][..panel.cols]);
                    let out = &mut self.out[panel.first * steps + k * width..][..width];
                    // SAFETY: the caller has the instructions of V; both slices have the length of these vectors.
                    unsafe {
                        match (panel.cols == width, panel.vectors) {
                            (true, 2) => copy::<V, 2>(b, out),
                            (true, _) => copy::<V, 1>(b, out),
                            (false, _) => copy_few(b, &mut out[..b.len()]),
                        }
                    }
                }
            }
            return;
        }
        for panel in self.panels {
            let (width, b) = (panel.vectors * V::LANES, &self.b[panel.first * col..]);
            let out = &mut self.out[panel.first * steps..][..steps * width];
            let (columns, rows) = (panel.cols / SIDE * SIDE, steps / SIDE * SIDE);
            for (k, c) in (0..rows).step_by(SIDE).flat_map(|k| (0..columns).step_by(SIDE).map(move |c| (k, c))) {
                let (b, out) = (&b[c * col + k..][..7 * col + SIDE], &mut out[k * width + c..][..7 * width + SIDE]);
                // SAFETY: the caller has the instructions of V; the slices hold the blocks.
                unsafe { V::turn_round(b.as_ptr(), col, out.as_mut_ptr(), width) };
            }
            for c in 0..panel.cols {
                for k in if c < columns { rows } else { 0 }..steps {
                    out[k * width + c] = b[c * col + k];
                }
            }
        }
    }
}

/// # Safety
/// The processor has the instructions of `V`, and both slices hold `N` vectors.
#[inline(always)]
unsafe fn copy<V: Vector, const N: usize>(from: &[f32], to: &mut [f32]) {
    for i in 0..N {
        // SAFETY: the caller's promise.
        unsafe { V::load(from.as_ptr().add(i * V::LANES)).store(to.as_mut_ptr().add(i * V::LANES)) };
    }
}

/// Steps of rows of A, a tile of rows after the other: `[tile][step][row]`.
pub struct Left<'a> {
    /// A from its first row and step on.
    pub a: &'a [f32],
    /// How it lies.
    pub layout: Layout,
    /// Rows of A, which are [`split`] in tiles.
    pub rows: usize,
    /// Steps.
    pub steps: usize,
    /// Rows of a tile at most, and the distance from step to step.
    pub most: usize,
    /// The distance from tile to tile, at least [`apart`].
    pub apart: usize,
    /// The copy.
    pub out: &'a mut [f32],
}

/// What a tile of the copy takes: after its values there is room for a vector that begins with the last of them.
pub fn apart(steps: usize, most: usize, lanes: usize) -> usize {
    steps * most + lanes
}

impl VectorTask for Left<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let (most, Layout { row, col, .. }) = (self.most, self.layout);
        // One vector for a tile, and what is too much of it is written over by the next step.
        let whole = row == 1 && most <= V::LANES && 2 * most > V::LANES;
        for k in 0..self.steps {
            let a = &self.a[k * col..];
            for ((at, rows), out) in split(self.rows, most).zip(self.out.chunks_exact_mut(self.apart)) {
                let out = &mut out[k * most..];
                if whole && at + V::LANES <= a.len() {
                    // SAFETY: the caller has the instructions of V, and a vector is left on both sides (see `apart`).
                    unsafe { copy::<V, 1>(&a[at..][..V::LANES], &mut out[..V::LANES]) };
                } else if row == 1 {
                    copy_few(&a[at..][..rows], &mut out[..rows]);
                } else {
                    (0..rows).for_each(|i| out[i] = a[(at + i) * row]);
                }
            }
        }
    }
}
