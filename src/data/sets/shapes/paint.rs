//! Painting: a scene and a figure become bytes, and a mask of where the figure is.

use super::colour::Colour;
use super::figure::{Figure, LANES};
use super::scene::{Clouds, Copy, LATTICE, Scene};
use crate::data::CHANNELS;
use crate::random::Rng;
use crate::simd::{Path, multiversion};

/// The colours of some neighbouring pixels of a row, by channel.
type Row = [[f32; LANES]; CHANNELS];

/// Standard deviation of the noise of single pixels.
const GRAIN: f32 = 0.03;

/// How wide the line around a figure is, in the figure's own lengths.
const RIM: f32 = 0.2;

/// Draws one picture into `out`, `[size, size, 3]`.
pub fn paint(scene: &Scene, figure: &Figure, size: usize, rng: &mut Rng, out: &mut [u8]) {
    let (path, pixel) = (Path::current(), 2.0 / size as f32);
    let columns = columns(size);
    let bands = scene.clouds.bands(&columns);
    let (mut row, mut noise) = (vec![[[0.0; LANES]; CHANNELS]; columns.len()], vec![0.0; size * CHANNELS]);
    for (y, bytes) in out.chunks_exact_mut(size * CHANNELS).enumerate() {
        scene.clouds.colour(&bands, at(y, pixel), &mut row);
        for copy in &scene.copies {
            add_figure(path, copy, figure, &columns, at(y, pixel), pixel, &mut row);
        }
        rng.normals(&mut noise);
        to_bytes(path, &row, &noise, bytes);
    }
}

/// Which pixels lie in a figure by more than half, `[size, size]`; the line around it is not part of it.
pub fn mask(scene: &Scene, figure: &Figure, size: usize) -> Vec<bool> {
    let (pixel, columns) = (2.0 / size as f32, columns(size));
    let mut mask = vec![false; size * size];
    for (y, row) in mask.chunks_exact_mut(size).enumerate() {
        for (xs, row) in columns.iter().zip(row.chunks_mut(LANES)) {
            for copy in &scene.copies {
                let [x, y] = copy.local(xs, at(y, pixel));
                let distances = figure.distances(&x, &y);
                row.iter_mut().zip(distances).for_each(|(inside, distance)| *inside |= distance < 0.0);
            }
        }
    }
    mask
}

/// The coordinate of the middle of a pixel.
fn at(k: usize, pixel: f32) -> f32 {
    (k as f32 + 0.5) * pixel - 1.0
}

/// The coordinates of a row's pixels, some at a time.
fn columns(size: usize) -> Vec<[f32; LANES]> {
    let pixel = 2.0 / size as f32;
    (0..size.div_ceil(LANES)).map(|block| std::array::from_fn(|i| at(block * LANES + i, pixel))).collect()
}

impl Clouds {
    /// The colours along each row of the lattice.
    fn bands(&self, columns: &[[f32; LANES]]) -> Vec<[Row; LATTICE]> {
        let along = |row: &[Colour; LATTICE], at: &[f32; LANES]| {
            let places = at.map(place);
            std::array::from_fn(|c| places.map(|(cell, t)| mix(row[cell][c], row[cell + 1][c], t)))
        };
        columns.iter().map(|at| self.colours.each_ref().map(|row| along(row, at))).collect()
    }

    /// The colours of the row of pixels at `y`.
    fn colour(&self, bands: &[[Row; LATTICE]], y: f32, out: &mut [Row]) {
        let (row, down) = place(y);
        for (out, bands) in out.iter_mut().zip(bands) {
            for ((out, above), below) in out.iter_mut().zip(&bands[row]).zip(&bands[row + 1]) {
                *out = std::array::from_fn(|i| mix(above[i], below[i], down));
            }
        }
    }
}

/// The cell of the clouds' lattice that a coordinate lies in, and how far into it, smoothly.
fn place(at: f32) -> (usize, f32) {
    let place = (at.clamp(-1.0, 1.0) + 1.0) / 2.0 * (LATTICE - 1) as f32;
    let cell = (place as usize).min(LATTICE - 2);
    let t = place - cell as f32;
    (cell, t * t * (3.0 - 2.0 * t))
}

multiversion! {
    /// Draws a copy of the figure and the line around it over a row of pixels at `y`.
    fn add_figure<const FMA: bool>(
        copy: &Copy,
        figure: &Figure,
        columns: &[[f32; LANES]],
        y: f32,
        pixel: f32,
        row: &mut [Row],
    ) {
        // Beyond this nothing of it can be seen.
        let near = figure.reach + RIM + pixel / copy.length();
        for (at, colours) in columns.iter().zip(row) {
            let [x, y] = copy.local(at, y);
            if x.iter().zip(&y).all(|(x, y)| x * x + y * y >= near * near) {
                continue;
            }
            let distance = figure.distances(&x, &y);
            let (mut inside, mut rim) = ([0.0; LANES], [0.0; LANES]);
            for i in 0..LANES {
                inside[i] = coverage(distance[i] * copy.length(), pixel);
                rim[i] = coverage((distance[i] - RIM) * copy.length(), pixel) - inside[i];
            }
            cover(colours, &copy.colour, &inside);
            cover(colours, &copy.rim, &rim);
        }
    }
}

multiversion! {
    /// A row of pixels with noise, rounded to bytes.
    fn to_bytes<const FMA: bool>(row: &[Row], noise: &[f64], bytes: &mut [u8]) {
        const STEP: usize = LANES * CHANNELS;
        for ((colours, noise), bytes) in row.iter().zip(noise.chunks(STEP)).zip(bytes.chunks_mut(STEP)) {
            let mut values = [0.0; STEP];
            for i in 0..STEP {
                values[i] = colours[i % CHANNELS][i / CHANNELS];
            }
            for ((byte, noise), value) in bytes.iter_mut().zip(noise).zip(values) {
                let noisy = (value + GRAIN * *noise as f32).clamp(0.0, 1.0);
                *byte = (noisy * 255.0 + 0.5) as u8;
            }
        }
    }
}

/// Takes a colour where it lies.
#[inline(always)]
fn cover(colours: &mut Row, colour: &Colour, share: &[f32; LANES]) {
    for (values, colour) in colours.iter_mut().zip(colour) {
        for (value, share) in values.iter_mut().zip(share) {
            *value = mix(*value, *colour, *share);
        }
    }
}

/// The part of a pixel that lies inside an outline at this signed distance.
#[inline(always)]
fn coverage(distance: f32, pixel: f32) -> f32 {
    (0.5 - distance / pixel).clamp(0.0, 1.0)
}

#[inline(always)]
fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}
