//! One picture of a figure: background, clutter, the figure itself, noise; all drawn from the sample's own generator.

use super::figure::{Figure, Point};
use crate::data::CHANNELS;
use crate::random::Rng;

type Colour = [f32; CHANNELS];

/// Draws one picture into `out`, `[size, size, 3]`.
pub fn paint(figure: &Figure, size: usize, rng: &mut Rng, out: &mut [u8]) {
    let scene = Scene::draw(rng);
    let pixel = 2.0 / size as f32;
    for (i, rgb) in out.as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
        let at = |k: usize| (k as f32 + 0.5) * pixel - 1.0;
        let colour = scene.colour(figure, [at(i % size), at(i / size)], pixel);
        for (byte, value) in rgb.iter_mut().zip(colour) {
            let noisy = value + scene.noise * rng.normal() as f32;
            *byte = (noisy.clamp(0.0, 1.0) * 255.0).round() as u8;
        }
    }
}

/// Everything of a picture but its figure. The frame is the square from -1 to 1.
struct Scene {
    ground: Texture,
    fill: Texture,
    centre: Point,
    radius: f32,
    turn: (f32, f32),
    clutter: Vec<Blot>,
    noise: f32,
}

/// Two colours and how they alternate along one direction.
struct Texture {
    colours: [Colour; 2],
    kind: Pattern,
    wave: Point,
    phase: f32,
}

enum Pattern {
    Plain,
    Stripes,
    Checks,
    Shade,
}

/// A small disc or bar in the background.
struct Blot {
    centre: Point,
    half: Point,
    turn: (f32, f32),
    colour: Colour,
}

impl Scene {
    fn draw(rng: &mut Rng) -> Self {
        let dark_ground = rng.chance(0.5);
        let (low, high) = (rng.range(0.1, 0.35), rng.range(0.6, 0.9));
        let (ground, fill) = if dark_ground { (low, high) } else { (high, low) };
        let radius = rng.range(0.5, 0.85) as f32;
        let room = f64::from(1.05 - radius).max(0.0);
        Self {
            ground: Texture::draw(ground, 0.16, rng),
            fill: Texture::draw(fill, 0.12, rng),
            centre: [rng.range(-room, room) as f32, rng.range(-room, room) as f32],
            radius,
            turn: turn(rng, std::f64::consts::PI),
            clutter: (0..2 + rng.below(4)).map(|_| Blot::draw(ground, rng)).collect(),
            noise: rng.range(0.01, 0.05) as f32,
        }
    }

    fn colour(&self, figure: &Figure, at: Point, pixel: f32) -> Colour {
        let mut colour = self.ground.colour(at);
        for blot in &self.clutter {
            colour = mix(colour, blot.colour, coverage(blot.distance(at), pixel));
        }
        let (x, y) = ((at[0] - self.centre[0]) / self.radius, (at[1] - self.centre[1]) / self.radius);
        if x * x + y * y < 1.3 {
            let distance = figure.distance(rotate([x, y], self.turn)) * self.radius;
            colour = mix(colour, self.fill.colour(at), coverage(distance, pixel));
        }
        colour
    }
}

impl Texture {
    fn draw(brightness: f64, contrast: f64, rng: &mut Rng) -> Self {
        let colour = random_colour(brightness, rng);
        let shift = rng.range(-contrast, contrast) as f32;
        let kind = match rng.below(4) {
            0 => Pattern::Plain,
            1 => Pattern::Stripes,
            2 => Pattern::Checks,
            _ => Pattern::Shade,
        };
        let (sin, cos) = turn(rng, std::f64::consts::PI);
        let frequency = rng.range(5.0, 9.0) as f32;
        Self {
            colours: [colour, colour.map(|c| c + shift)],
            kind,
            wave: [cos * frequency, sin * frequency],
            phase: rng.range(0.0, std::f64::consts::TAU) as f32,
        }
    }

    fn colour(&self, [x, y]: Point) -> Colour {
        let [a, b] = self.wave;
        let (along, across) = (a * x + b * y + self.phase, a * y - b * x + self.phase);
        let share = match self.kind {
            Pattern::Plain => 0.0,
            Pattern::Stripes => 0.5 + 0.5 * (2.0 * along.sin()).clamp(-1.0, 1.0),
            Pattern::Checks => 0.5 + 0.5 * (4.0 * along.sin() * across.sin()).clamp(-1.0, 1.0),
            Pattern::Shade => 0.5 + 0.5 * (along - self.phase) / (1.5 * a.hypot(b)),
        };
        mix(self.colours[0], self.colours[1], share)
    }
}

impl Blot {
    fn draw(brightness: f64, rng: &mut Rng) -> Self {
        let mut side = || rng.range(0.06, 0.3) as f32;
        let half = [side(), side()];
        let mut place = || rng.range(-1.0, 1.0) as f32;
        let centre = [place(), place()];
        let colour = random_colour(brightness + rng.range(-0.25, 0.25), rng);
        Self { centre, half, turn: turn(rng, std::f64::consts::PI), colour }
    }

    fn distance(&self, [x, y]: Point) -> f32 {
        let [x, y] = rotate([x - self.centre[0], y - self.centre[1]], self.turn);
        (x.abs() - self.half[0]).max(y.abs() - self.half[1])
    }
}

/// Sine and cosine of a random angle up to `limit` either way.
fn turn(rng: &mut Rng, limit: f64) -> (f32, f32) {
    (rng.range(-limit, limit) as f32).sin_cos()
}

fn rotate([x, y]: Point, (sin, cos): (f32, f32)) -> Point {
    [cos * x + sin * y, cos * y - sin * x]
}

/// The part of a pixel that lies inside an outline at this signed distance.
fn coverage(distance: f32, pixel: f32) -> f32 {
    (0.5 - distance / pixel).clamp(0.0, 1.0)
}

fn mix(a: Colour, b: Colour, share: f32) -> Colour {
    std::array::from_fn(|c| a[c] + (b[c] - a[c]) * share)
}

/// Any hue, muted, of about the given brightness.
fn random_colour(brightness: f64, rng: &mut Rng) -> Colour {
    let hue = rng.range(0.0, std::f64::consts::TAU) as f32;
    let strength = rng.range(0.0, 0.2) as f32;
    std::array::from_fn(|c| brightness as f32 + strength * (hue + c as f32 * std::f32::consts::TAU / 3.0).cos())
}
