//! The two-dimensional transforms of tiles, a vector of channels at a time. A transformed tile is 36 planes, a fixed distance apart.
use super::points;
use crate::kernels::tile::{Simd, Vector, VectorTask};

/// Pixels of a transformed tile.
pub const PLANES: usize = 36;
/// Side of an output tile.
pub const SIDE: usize = 4;

/// Where one tile lies in an image `[h, w, c]`: its first pixel, which may lie outside, as may others.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    /// Height of the image.
    pub h: usize,
    /// Width of the image.
    pub w: usize,
    /// Channels of the image.
    pub c: usize,
    /// Row of the tile's first pixel.
    pub y: isize,
    /// Column of the tile's first pixel.
    pub x: isize,
}

impl Spot {
    /// The offset of each pixel of an N x N tile in the image, or [`OUTSIDE`].
    fn places<const N: usize>(&self) -> [[usize; N]; N] {
        let mut places = [[OUTSIDE; N]; N];
        for (i, row) in places.iter_mut().enumerate() {
            // A negative number becomes a very large one.
            let y = (self.y + i as isize) as usize;
            for (j, place) in row.iter_mut().enumerate() {
                let x = (self.x + j as isize) as usize;
                if y < self.h && x < self.w {
                    *place = (y * self.w + x) * self.c;
                }
            }
        }
        places
    }
}

/// The place of pixels that an image does not have.
const OUTSIDE: usize = usize::MAX;

/// Transforms the 6 x 6 input pixels of a tile; `planes` starts at the tile's first channel in the first plane.
pub fn input_tile<S: Simd>(simd: S, image: &[f32], spot: Spot, planes: &mut [f32], distance: usize) {
    assert!(image.len() == spot.h * spot.w * spot.c && spot.c.is_multiple_of(S::LANES));
    assert!((PLANES - 1) * distance + spot.c <= planes.len());
    simd.vectors(Forward::<6> { image, spot, planes, distance, channels: (0, spot.c) });
}

/// Transforms the 4 x 4 gradients of output pixels of a tile, channels `channels.0` on, `channels.1` of them.
pub fn output_grad_tile<S: Simd>(
    simd: S,
    image: &[f32],
    spot: Spot,
    channels: (usize, usize),
    planes: &mut [f32],
    distance: usize,
) {
    assert!(image.len() == spot.h * spot.w * spot.c && channels.0 + channels.1 <= spot.c);
    assert!(channels.1.is_multiple_of(S::LANES) && (PLANES - 1) * distance + channels.1 <= planes.len());
    simd.vectors(Forward::<4> { image, spot, planes, distance, channels });
}

/// Transforms products back to the 4 x 4 output pixels of a tile, writing `channels.1` channels from `channels.0` on.
pub fn output_tile<S: Simd>(
    simd: S,
    planes: &[f32],
    distance: usize,
    channels: (usize, usize),
    image: &mut [f32],
    spot: Spot,
) {
    assert!(image.len() == spot.h * spot.w * spot.c && channels.0 + channels.1 <= spot.c);
    assert!(channels.1.is_multiple_of(S::LANES) && (PLANES - 1) * distance + channels.1 <= planes.len());
    simd.vectors(Back { planes, distance, channels, image, spot });
}

/// From pixels (6 x 6 of the input, or 4 x 4 gradients of the output) to planes. No closures here and below: code in them would not
/// see the vector instructions.
struct Forward<'a, const N: usize> {
    image: &'a [f32],
    spot: Spot,
    planes: &'a mut [f32],
    distance: usize,
    channels: (usize, usize),
}

impl<const N: usize> VectorTask for Forward<'_, N> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let places = self.spot.places::<N>();
        let (image, planes) = (self.image[self.channels.0..].as_ptr(), self.planes.as_mut_ptr());
        for c in (0..self.channels.1).step_by(V::LANES) {
            // SAFETY: the functions above have checked that these channels of pixels inside the image, and of all planes, are there.
            unsafe {
                let mut columns = [[V::splat(0.0); 6]; 6];
                for j in 0..N {
                    let mut pixels = [V::splat(0.0); 6];
                    for i in 0..N {
                        if places[i][j] != OUTSIDE {
                            pixels[i] = V::load(image.add(places[i][j] + c));
                        }
                    }
                    let points = transform::<V, N>(pixels);
                    for i in 0..6 {
                        columns[i][j] = points[i];
                    }
                }
                for (i, &row) in columns.iter().enumerate() {
                    let points = transform::<V, N>(row);
                    for (j, &value) in points.iter().enumerate() {
                        value.store(planes.add((i * 6 + j) * self.distance + c));
                    }
                }
            }
        }
    }
}

/// The one-dimensional transform of N pixels.
///
/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn transform<V: Vector, const N: usize>(d: [V; 6]) -> [V; 6] {
    // SAFETY: the caller's promise.
    unsafe { if N == 6 { points::input(d) } else { points::output_grad([d[0], d[1], d[2], d[3]]) } }
}

/// From planes to output pixels.
struct Back<'a> {
    planes: &'a [f32],
    distance: usize,
    channels: (usize, usize),
    image: &'a mut [f32],
    spot: Spot,
}

impl VectorTask for Back<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let places = self.spot.places::<SIDE>();
        let (planes, image) = (self.planes.as_ptr(), self.image[self.channels.0..].as_mut_ptr());
        for c in (0..self.channels.1).step_by(V::LANES) {
            // SAFETY: `output_tile` has checked that these channels of pixels inside the image, and of all planes, are there.
            unsafe {
                let mut rows = [[V::splat(0.0); 6]; SIDE];
                for j in 0..6 {
                    let mut products = [V::splat(0.0); 6];
                    for i in 0..6 {
                        products[i] = V::load(planes.add((i * 6 + j) * self.distance + c));
                    }
                    let column = points::output(products);
                    for i in 0..SIDE {
                        rows[i][j] = column[i];
                    }
                }
                for i in 0..SIDE {
                    let row = points::output(rows[i]);
                    for j in 0..SIDE {
                        if places[i][j] != OUTSIDE {
                            row[j].store(image.add(places[i][j] + c));
                        }
                    }
                }
            }
        }
    }
}
