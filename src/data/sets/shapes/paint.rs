//! One picture: a clouded background with clutter, on it a lattice of copies of one figure, each in its own pose and colour.
//!
//! The lattice lies at any angle and place, so two pictures of a class share no pixels; as there are several copies, most crops
//! show at least one of them whole, so the figure is what two crops of a picture have in common.

use std::f32::consts::PI;

use super::figure::{Figure, LANES, Point};
use crate::data::CHANNELS;
use crate::random::Rng;
use crate::simd::{Path, multiversion};

type Colour = [f32; CHANNELS];

/// The colours of some neighbouring pixels of a row, by channel.
type Row = [[f32; LANES]; CHANNELS];

/// Draws one picture into `out`, `[size, size, 3]`.
pub fn paint(figure: &Figure, size: usize, rng: &mut Rng, out: &mut [u8]) {
    let (scene, path, pixel) = (Scene::draw(rng), Path::current(), 2.0 / size as f32);
    let at = |k: usize| (k as f32 + 0.5) * pixel - 1.0;
    let columns: Vec<[f32; LANES]> =
        (0..size.div_ceil(LANES)).map(|block| std::array::from_fn(|i| at(block * LANES + i))).collect();
    let bands = scene.ground.bands(&columns);
    let (mut row, mut noise) = (vec![[[0.0; LANES]; CHANNELS]; columns.len()], vec![0.0; size * CHANNELS]);
    for (y, bytes) in out.chunks_exact_mut(size * CHANNELS).enumerate() {
        scene.ground.colour(&bands, at(y), &mut row);
        for spot in &scene.clutter {
            add_box(path, spot, &columns, at(y), pixel, &mut row);
        }
        for spot in &scene.copies {
            add_figure(path, spot, figure, &columns, at(y), pixel, &mut row);
        }
        rng.normals(&mut noise);
        to_bytes(path, &row, &noise, bytes);
    }
}

/// How much a cloud is lighter or darker than the ground, at most.
const CLOUDS: f32 = 0.06;

/// How far a copy is turned either way, at most, in radians.
const TURN: f32 = 0.6;

/// How far a copy's channels differ from its brightness.
const TINT: f32 = 0.08;

/// Standard deviation of the noise of single pixels.
const GRAIN: f32 = 0.03;

/// Everything of a picture but which figure it shows. The frame is the square from -1 to 1.
struct Scene {
    ground: Clouds,
    clutter: Vec<Spot>,
    copies: Vec<Spot>,
}

/// Smooth coloured noise: random colours at the points of a lattice, blended in between.
struct Clouds {
    colours: [[Colour; LATTICE]; LATTICE],
}

/// Points a side of the clouds' lattice.
const LATTICE: usize = 5;

/// A place in the frame, with a pose and a colour for what stands there.
struct Spot {
    centre: Point,
    half: Point,
    turn: (f32, f32),
    colour: Colour,
}

impl Scene {
    fn draw(rng: &mut Rng) -> Self {
        let brightness = rng.range(0.35, 0.65) as f32;
        let ground = Clouds::draw(brightness, CLOUDS, rng);
        let sign = if rng.chance(0.5) { 1.0 } else { -1.0 };
        let clutter = (0..2).map(|_| {
            let centre = [rng.range(-1.0, 1.0) as f32, rng.range(-1.0, 1.0) as f32];
            let radius = rng.range(0.05, 0.12) as f32;
            let sign = if rng.chance(0.5) { 1.0 } else { -1.0 };
            Spot::draw(brightness, centre, radius, sign, rng)
        });
        let clutter = clutter.collect();
        let copies = lattice(rng).into_iter().map(|(centre, radius)| Spot::draw(brightness, centre, radius, sign, rng));
        let copies = copies.collect();
        Self { ground, clutter, copies }
    }
}

impl Clouds {
    fn draw(brightness: f32, contrast: f32, rng: &mut Rng) -> Self {
        let mut value = || brightness + rng.range(-1.0, 1.0) as f32 * contrast;
        Self { colours: std::array::from_fn(|_| std::array::from_fn(|_| std::array::from_fn(|_| value()))) }
    }

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

impl Spot {
    /// A spot lighter (`sign` 1) or darker (-1) than the ground.
    fn draw(ground: f32, centre: Point, radius: f32, sign: f32, rng: &mut Rng) -> Self {
        let mut between = |low: f32, high: f32| low + (high - low) * rng.uniform() as f32;
        let aspect = between(-0.12, 0.12).exp();
        let turn = between(-TURN, TURN).sin_cos();
        let hue = between(-PI, PI);
        let contrast = between(0.3, 0.45);
        let tint = |c: usize| TINT * (hue + c as f32 * 2.0 * PI / 3.0).cos();
        let colour = std::array::from_fn(|c| ground + sign * contrast + tint(c));
        Self { centre, half: [radius * aspect, radius / aspect], turn, colour }
    }

    /// Points of the frame in the spot's own coordinates.
    #[inline(always)]
    fn local(&self, xs: &[f32; LANES], y: f32) -> [[f32; LANES]; 2] {
        let (y, (sin, cos)) = (y - self.centre[1], self.turn);
        let mut local = [[0.0; LANES]; 2];
        for i in 0..LANES {
            let x = xs[i] - self.centre[0];
            local[0][i] = (cos * x + sin * y) / self.half[0];
            local[1][i] = (cos * y - sin * x) / self.half[1];
        }
        local
    }

    /// What a distance of 1 in the spot's coordinates is in the frame, about.
    #[inline(always)]
    fn scale(&self) -> f32 {
        self.half[0].min(self.half[1])
    }
}

/// Centres and radii of the copies that can be seen: a square lattice of random pitch, angle and place.
fn lattice(rng: &mut Rng) -> Vec<(Point, f32)> {
    let pitch = rng.range(0.62, 0.82) as f32;
    let (sin, cos) = (rng.range(0.0, f64::from(PI) / 2.0) as f32).sin_cos();
    let shift: Point = std::array::from_fn(|_| rng.uniform() as f32);
    let mut copies = Vec::new();
    for row in -3..=3 {
        for column in -3..=3 {
            let [x, y] = [column as f32 + shift[0], row as f32 + shift[1]].map(|v| v * pitch);
            let centre = [cos * x - sin * y, sin * x + cos * y];
            if centre.iter().all(|v| v.abs() < 1.2) {
                copies.push((centre, pitch * rng.range(0.38, 0.46) as f32));
            }
        }
    }
    copies
}

multiversion! {
    /// Draws a box with the spot's pose and colour over a row of pixels at `y`.
    fn add_box<const FMA: bool>(spot: &Spot, columns: &[[f32; LANES]], y: f32, pixel: f32, row: &mut [Row]) {
        for (at, colours) in columns.iter().zip(row) {
            let [x, y] = spot.local(at, y);
            let mut share = [0.0; LANES];
            for i in 0..LANES {
                let distance = (x[i].abs() - 1.0).max(y[i].abs() - 1.0);
                share[i] = coverage(distance * spot.scale(), pixel);
            }
            cover(colours, spot, &share);
        }
    }
}

/// The square of how far from its centre a figure, within the unit circle, can be seen.
const NEAR: f32 = 1.6;

multiversion! {
    /// Draws the figure with the spot's pose and colour over a row of pixels at `y`.
    fn add_figure<const FMA: bool>(
        spot: &Spot,
        figure: &Figure,
        columns: &[[f32; LANES]],
        y: f32,
        pixel: f32,
        row: &mut [Row],
    ) {
        for (at, colours) in columns.iter().zip(row) {
            let [x, y] = spot.local(at, y);
            let (mut square, mut share) = ([0.0; LANES], [0.0; LANES]);
            for i in 0..LANES {
                square[i] = x[i] * x[i] + y[i] * y[i];
            }
            if square.iter().all(|&square| square >= NEAR) {
                continue;
            }
            let distance = figure.distances(&x, &y);
            for i in 0..LANES {
                let inside = coverage(distance[i] * spot.scale(), pixel);
                share[i] = if square[i] < NEAR { inside } else { 0.0 };
            }
            cover(colours, spot, &share);
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

/// Takes the spot's colour where it lies.
#[inline(always)]
fn cover(colours: &mut Row, spot: &Spot, share: &[f32; LANES]) {
    for (values, colour) in colours.iter_mut().zip(spot.colour) {
        for (value, share) in values.iter_mut().zip(share) {
            *value = mix(*value, colour, *share);
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
