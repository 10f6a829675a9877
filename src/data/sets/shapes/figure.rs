//! The ten figures as closed outlines within the unit circle; a point is inside by the even-odd rule.

use std::f32::consts::{PI, TAU};

/// The figures' names, by class; each is its own mirror image.
pub const NAMES: [&str; 10] =
    ["disc", "square", "triangle", "star", "cross", "ring", "crescent", "heart", "arrow", "hourglass"];

/// Points looked at together.
pub const LANES: usize = 8;

/// A point of the plane, y downwards.
pub type Point = [f32; 2];

/// Closed outlines; neighbouring points are joined, and the last with the first.
pub struct Figure {
    edges: Vec<(Point, Point)>,
}

/// The figure of a class.
pub fn figure(class: usize) -> Figure {
    match NAMES[class] {
        "disc" => Figure::new(&[arc(0.85, 0.0, TAU, 28)]),
        "square" => Figure::new(&[regular(4, 1.0)]),
        "triangle" => Figure::new(&[regular(3, 1.0)]),
        "star" => Figure::new(&[star()]),
        "cross" => Figure::new(&[cross()]),
        "ring" => Figure::new(&[arc(0.9, 0.0, TAU, 28), arc(0.5, 0.0, TAU, 20)]),
        "crescent" => Figure::new(&[crescent()]),
        "heart" => Figure::new(&[heart()]),
        "arrow" => Figure::new(&[arrow()]),
        _ => Figure::new(&[hourglass()]),
    }
}

impl Figure {
    fn new(outlines: &[Vec<Point>]) -> Self {
        let join = |o: &Vec<Point>| (0..o.len()).map(|i| (o[i], o[(i + 1) % o.len()])).collect::<Vec<_>>();
        Self { edges: outlines.iter().flat_map(join).collect() }
    }

    /// How far points are from the outline; negative inside.
    #[inline(always)]
    pub fn distances(&self, x: &[f32; LANES], y: &[f32; LANES]) -> [f32; LANES] {
        let (mut nearest, mut inside) = ([f32::INFINITY; LANES], [1.0; LANES]);
        for &([ax, ay], [bx, by]) in &self.edges {
            let (ex, ey) = (bx - ax, by - ay);
            let square = ex * ex + ey * ey;
            for i in 0..LANES {
                let (px, py) = (x[i] - ax, y[i] - ay);
                let t = ((px * ex + py * ey) / square).clamp(0.0, 1.0);
                let (dx, dy) = (px - t * ex, py - t * ey);
                nearest[i] = nearest[i].min(dx * dx + dy * dy);
                let crossed = ((ay > y[i]) != (by > y[i])) & (x[i] < ax + ex * py / ey);
                inside[i] = if crossed { -inside[i] } else { inside[i] };
            }
        }
        for i in 0..LANES {
            nearest[i] = inside[i] * nearest[i].sqrt();
        }
        nearest
    }
}

/// Points on a circle about the origin, from one angle towards another.
fn arc(radius: f32, from: f32, to: f32, points: usize) -> Vec<Point> {
    let angle = |i: usize| from + (to - from) * i as f32 / points as f32;
    (0..points).map(|i| [radius * angle(i).sin(), -radius * angle(i).cos()]).collect()
}

fn regular(corners: usize, radius: f32) -> Vec<Point> {
    arc(radius, 0.0, TAU, corners)
}

fn star() -> Vec<Point> {
    regular(5, 1.0).into_iter().zip(arc(0.42, PI / 5.0, TAU + PI / 5.0, 5)).flat_map(|(a, b)| [a, b]).collect()
}

fn cross() -> Vec<Point> {
    let (w, l) = (0.28, 0.92);
    vec![[-w, -l], [w, -l], [w, -w], [l, -w], [l, w], [w, w], [w, l], [-w, l], [-w, w], [-l, w], [-l, -w], [-w, -w]]
}

/// A disc of radius 0.92 less a disc of radius 0.72 whose centre lies 0.42 above; their circles meet at the two angles.
fn crescent() -> Vec<Point> {
    let (outer, inner): (f32, f32) = (0.8596, 1.3174);
    let bite = arc(0.72, TAU - inner, inner, 16).into_iter().map(|[x, y]| [x, y - 0.42]);
    arc(0.92, outer, TAU - outer, 24).into_iter().chain(bite).collect()
}

/// The classical curve x = 16 sin^3 t, y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t.
fn heart() -> Vec<Point> {
    let at = |t: f32| {
        let y = 13.0 * t.cos() - 5.0 * (2.0 * t).cos() - 2.0 * (3.0 * t).cos() - (4.0 * t).cos();
        [t.sin().powi(3) * 0.95, -(y + 2.5) / 16.5]
    };
    (0..28).map(|i| at(TAU * (i as f32 + 0.5) / 28.0)).collect()
}

fn arrow() -> Vec<Point> {
    vec![[0.0, -1.0], [0.8, -0.1], [0.3, -0.1], [0.3, 0.95], [-0.3, 0.95], [-0.3, -0.1], [-0.8, -0.1]]
}

fn hourglass() -> Vec<Point> {
    vec![[-0.72, -0.85], [0.72, -0.85], [-0.72, 0.85], [0.72, 0.85]]
}
