//! Where the copies of a figure lie: circles that do not overlap, at random.

use std::f64::consts::PI;

use super::figure::Point;
use crate::random::Rng;

/// How many copies a picture has, at least and at most.
pub const COPIES: std::ops::RangeInclusive<usize> = 3..=6;

/// The part of the frame that the circles cover, about: more, and pictures of as many copies resemble each other.
const COVERED: f64 = 0.55;

/// The largest radius, where the frame is 2 wide.
const RADIUS: f64 = 0.52;

/// The part of a circle's radius that may lie outside the frame; its centre never does.
const OUTSIDE: f64 = 0.5;

/// Centres of circles in the frame from -1 to 1 that do not overlap, and the radius they share.
pub fn layout(rng: &mut Rng) -> (Vec<Point>, f32) {
    let count = COPIES.start() + rng.below(COPIES.end() - COPIES.start() + 1);
    let share = (COVERED / (count as f64 * PI)).sqrt();
    let mut radius = (2.0 * share / (1.0 - OUTSIDE * share)).min(RADIUS) * rng.range(0.9, 1.0);
    loop {
        if let Some(centres) = placed(count, radius, rng) {
            return (centres, radius as f32);
        }
        radius *= 0.98;
    }
}

/// The centres, placed one after the other where there is room; `None` where one found none in many tries.
fn placed(count: usize, radius: f64, rng: &mut Rng) -> Option<Vec<Point>> {
    let limit = 1.0 - radius * (1.0 - OUTSIDE);
    let mut centres: Vec<Point> = Vec::with_capacity(count);
    for _ in 0..60 * count {
        let [x, y]: Point = std::array::from_fn(|_| (limit * rng.range(-1.0, 1.0)) as f32);
        let apart = |at: &Point| f64::from((x - at[0]).hypot(y - at[1])) >= 2.0 * radius;
        if centres.iter().all(apart) {
            centres.push([x, y]);
        }
        if centres.len() == count {
            return Some(centres);
        }
    }
    None
}
