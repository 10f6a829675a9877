//! One picture: a clouded background with clutter, on it a lattice of copies of one figure, each in its own pose and colour.
//!
//! The lattice lies at any angle and place, so two pictures of a class share no pixels; as there are several copies, most crops
//! show at least one of them whole, so the figure is what two crops of a picture have in common.

use std::f32::consts::PI;

use super::figure::{Figure, Point};
use crate::data::CHANNELS;
use crate::random::Rng;

type Colour = [f32; CHANNELS];

/// Draws one picture into `out`, `[size, size, 3]`.
pub fn paint(figure: &Figure, size: usize, rng: &mut Rng, out: &mut [u8]) {
    let scene = Scene::draw(rng);
    let pixel = 2.0 / size as f32;
    let at = |k: usize| (k as f32 + 0.5) * pixel - 1.0;
    for (i, rgb) in out.as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
        let colour = scene.colour(figure, [at(i % size), at(i / size)], pixel);
        for (byte, value) in rgb.iter_mut().zip(colour) {
            let noisy = value + GRAIN * rng.normal() as f32;
            *byte = (noisy.clamp(0.0, 1.0) * 255.0).round() as u8;
        }
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

    fn colour(&self, figure: &Figure, at: Point, pixel: f32) -> Colour {
        let mut colour = self.ground.colour(at);
        for spot in &self.clutter {
            let [x, y] = spot.local(at).map(f32::abs);
            colour = mix(colour, spot.colour, coverage((x - 1.0).max(y - 1.0) * spot.scale(), pixel));
        }
        for spot in &self.copies {
            let [x, y] = spot.local(at);
            if x * x + y * y < 1.6 {
                colour = mix(colour, spot.colour, coverage(figure.distance([x, y]) * spot.scale(), pixel));
            }
        }
        colour
    }
}

impl Clouds {
    fn draw(brightness: f32, contrast: f32, rng: &mut Rng) -> Self {
        let mut value = || brightness + rng.range(-1.0, 1.0) as f32 * contrast;
        Self { colours: std::array::from_fn(|_| std::array::from_fn(|_| std::array::from_fn(|_| value()))) }
    }

    fn colour(&self, at: Point) -> Colour {
        let [(column, across), (row, down)] = at.map(|v| {
            let place = (v.clamp(-1.0, 1.0) + 1.0) / 2.0 * (LATTICE - 1) as f32;
            let cell = (place as usize).min(LATTICE - 2);
            let t = place - cell as f32;
            (cell, t * t * (3.0 - 2.0 * t))
        });
        let along = |row: &[Colour; LATTICE]| mix(row[column], row[column + 1], across);
        mix(along(&self.colours[row]), along(&self.colours[row + 1]), down)
    }
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

    /// The frame's point in the spot's own coordinates.
    fn local(&self, [x, y]: Point) -> Point {
        let (x, y, (sin, cos)) = (x - self.centre[0], y - self.centre[1], self.turn);
        [(cos * x + sin * y) / self.half[0], (cos * y - sin * x) / self.half[1]]
    }

    /// What a distance of 1 in the spot's coordinates is in the frame, about.
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

/// The part of a pixel that lies inside an outline at this signed distance.
fn coverage(distance: f32, pixel: f32) -> f32 {
    (0.5 - distance / pixel).clamp(0.0, 1.0)
}

fn mix(a: Colour, b: Colour, share: f32) -> Colour {
    std::array::from_fn(|c| a[c] + (b[c] - a[c]) * share)
}
