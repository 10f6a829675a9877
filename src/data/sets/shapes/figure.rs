//! The ten figures as closed outlines; a point is inside by the even-odd rule.
//!
//! All have an area of 1, edges of the same length in all (the root of 32, within a third of a percent) and their centre of
//! mass at the origin, so that neither how much of a picture they cover nor how much outline there is tells one
//! from another. Compact figures therefore have a hole.

use std::f32::consts::{PI, TAU};

/// The figures' names, by class; each is its own mirror image.
pub const NAMES: [&str; 10] =
    ["ring", "square", "triangle", "star", "cross", "crescent", "heart", "arrow", "hourglass", "flower"];

/// Points looked at together.
pub const LANES: usize = 8;

/// A point of the plane, y downwards.
pub type Point = [f32; 2];

/// A figure's edges.
pub struct Figure {
    edges: Vec<(Point, Point)>,
    /// How far from the origin its farthest point is; below 1.
    pub reach: f32,
}

/// The figure of a class.
pub fn figure(class: usize) -> Figure {
    Figure::new(&outlines(NAMES[class]))
}

/// The outlines of a figure, a hole running the other way, at any size and place.
fn outlines(name: &str) -> Vec<Vec<Point>> {
    match name {
        "ring" => vec![arc(1.0, 0.0, TAU, 28), hole(arc(0.436, 0.0, TAU, 20))],
        "square" => vec![regular(4, 1.0), hole(regular(4, 0.333))],
        "triangle" => vec![regular(3, 1.0), hole(regular(3, 0.212))],
        "star" => vec![star()],
        "cross" => vec![cross()],
        "crescent" => vec![crescent()],
        "heart" => vec![heart(1.0), hole(heart(0.272))],
        "arrow" => vec![mirrored(&[[0.0, -0.95], [0.8, 0.05], [0.173, 0.05], [0.173, 0.95]])],
        "hourglass" => vec![mirrored(&[[0.75, -0.9], [0.171, 0.0], [0.75, 0.9]])],
        _ => vec![flower()],
    }
}

/// Area, with its sign, and centre of mass of what edges enclose.
fn measure(edges: &[(Point, Point)]) -> (f32, Point) {
    let (mut area, mut moment) = (0.0, [0.0; 2]);
    for &([x, y], [u, v]) in edges {
        let cross = x * v - u * y;
        area += cross / 2.0;
        moment[0] += (x + u) * cross / 6.0;
        moment[1] += (y + v) * cross / 6.0;
    }
    (area, moment.map(|m| m / area))
}

impl Figure {
    fn new(outlines: &[Vec<Point>]) -> Self {
        let join = |o: &Vec<Point>| (0..o.len()).map(|i| (o[i], o[(i + 1) % o.len()])).collect::<Vec<_>>();
        let edges: Vec<(Point, Point)> = outlines.iter().flat_map(join).collect();
        let (area, [x, y]) = measure(&edges);
        let scale = area.abs().sqrt().recip();
        let moved = |at: Point| [(at[0] - x) * scale, (at[1] - y) * scale];
        let edges: Vec<_> = edges.into_iter().map(|(a, b)| (moved(a), moved(b))).collect();
        let reach = edges.iter().map(|(at, _)| at[0].hypot(at[1])).fold(0.0, f32::max);
        Self { edges, reach }
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

fn hole(mut outline: Vec<Point>) -> Vec<Point> {
    outline.reverse();
    outline
}

fn regular(corners: usize, radius: f32) -> Vec<Point> {
    arc(radius, 0.0, TAU, corners)
}

/// The right half of an outline, from above, and its mirror image.
fn mirrored(half: &[Point]) -> Vec<Point> {
    let left = half.iter().rev().filter(|at| at[0] != 0.0).map(|[x, y]| [-x, *y]);
    half.iter().copied().chain(left).collect()
}

fn star() -> Vec<Point> {
    let inner = arc(0.481, PI / 5.0, TAU + PI / 5.0, 5);
    regular(5, 1.0).into_iter().zip(inner).flat_map(|(a, b)| [a, b]).collect()
}

fn cross() -> Vec<Point> {
    let (w, l) = (0.293, 1.0);
    vec![[-w, -l], [w, -l], [w, -w], [l, -w], [l, w], [w, w], [w, l], [-w, l], [-w, w], [-l, w], [-l, -w], [-w, -w]]
}

/// A disc of radius 1 less a disc of radius 0.697 whose centre lies 0.5 above.
fn crescent() -> Vec<Point> {
    let (above, radius) = (0.5, 0.697);
    // Where the circles meet.
    let y: f32 = -(1.0 - radius * radius + above * above) / (2.0 * above);
    let x = (1.0 - y * y).sqrt();
    let (outer, inner) = (x.atan2(-y), x.atan2(-(y + above)));
    let bite = arc(radius, TAU - inner, inner, 14).into_iter().map(|[x, y]| [x, y - above]);
    arc(1.0, outer, TAU - outer, 20).into_iter().chain(bite).collect()
}

/// The classical curve x = 16 sin^3 t, y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t.
fn heart(scale: f32) -> Vec<Point> {
    let at = |t: f32| {
        let y = 13.0 * t.cos() - 5.0 * (2.0 * t).cos() - 2.0 * (3.0 * t).cos() - (4.0 * t).cos();
        [scale * t.sin().powi(3) * 0.95, -scale * (y + 2.5) / 16.5]
    };
    (0..28).map(|i| at(TAU * (i as f32 + 0.5) / 28.0)).collect()
}

/// Five petals: r = 1 + 0.389 cos 5t.
fn flower() -> Vec<Point> {
    let at = |t: f32| {
        let radius = 1.0 + 0.389 * (5.0 * t).cos();
        [radius * t.sin(), -radius * t.cos()]
    };
    (0..40).map(|i| at(TAU * i as f32 / 40.0)).collect()
}
